"""The directory: streams that tasks refer to, read whole once in a run, and merged into tables that tasks share.

Forms and lists come first, because they say where tasks are listed; everything else is read at the end.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from pyrus_etl.extract.pages import Whole
from pyrus_etl.load.directory import snapshots
from pyrus_etl.load.directory.seen import refuse_contents
from pyrus_etl.model.catalog import Catalog, CatalogRead
from pyrus_etl.model.listing import Listing
from pyrus_etl.model.stream import CATALOGS, FORMS, LISTS, PEOPLE
from pyrus_etl.normalize.catalog import catalogs_snapshot, contents_snapshot
from pyrus_etl.normalize.definition import forms_snapshot
from pyrus_etl.normalize.person import people_snapshot
from pyrus_etl.normalize.project import lists_snapshot
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.snapshot import Snapshot
from pyrus_etl.sync.plan import Run


class Stream(NamedTuple):
    """A stream, and how a thing in it becomes rows."""

    name: str
    rows: Callable[[Any], Snapshot]


def _catalog_rows(thing: Listing[Catalog] | CatalogRead) -> Snapshot:
    return contents_snapshot(thing) if isinstance(thing, CatalogRead) else catalogs_snapshot(thing)


FIRST = (Stream(FORMS, forms_snapshot), Stream(LISTS, lists_snapshot))
LAST = (Stream(CATALOGS, _catalog_rows), Stream(PEOPLE, people_snapshot))


async def read_streams(run: Run, streams: Sequence[Stream]) -> None:
    """Reads those of the streams that the source has; each page is a transaction of its own."""
    for stream in streams:
        if stream.name in run.session.source.directory:
            await run.stop.unless_asked(_read(run, stream))


async def read_early(run: Run) -> None:
    """Reads what a backfill needs at its start: with forms, everything, because reports begin long before its end."""
    await read_streams(run, FIRST)
    if FORMS in run.session.source.directory:
        await read_streams(run, LAST)


async def _read(run: Run, stream: Stream) -> None:
    store, account_id = run.session.store, run.session.account_id
    known = await store.query(snapshots.known_versions, account_id) if stream.name == CATALOGS else {}
    async for page in run.session.source.pages(stream.name, Whole(known)):
        for thing in page.items:
            await store.transaction(partial(write, stream), account_id, thing)


def write(stream: Stream, connection: Connection, account_id: int, thing: Any) -> None:
    """Writes a thing of a stream, in the caller's transaction. Safe to repeat; an unchanged thing writes nothing."""
    snapshots.store(connection, account_id, stream.rows(thing))
    if isinstance(thing, CatalogRead) and thing.contents is None:
        refuse_contents(connection, account_id, thing.catalog.id, thing.catalog.version)
