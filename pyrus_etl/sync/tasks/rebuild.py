"""The rebuild: makes rows again from stored bodies, without any request.

Needed after an upgrade whose reader makes different rows from the same bodies (`normalize.raw.READER`). It can be
stopped at any time: each page is one transaction, and rebuilt tasks are not rebuilt again.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from pyrus_etl.errors import RowsRefused
from pyrus_etl.extract.apis import READERS
from pyrus_etl.extract.privacy import hidden_again, hidden_part
from pyrus_etl.load.tasks import rebuild, rules
from pyrus_etl.load.tasks.rebuild import FIRST, StoredBody
from pyrus_etl.load.tasks.rejected import Rejected, reject_rebuilt
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.store import Store
from pyrus_etl.reports import forms
from pyrus_etl.schema.rows import Rows
from pyrus_etl.settings.privacy import OPEN, Privacy
from pyrus_etl.sync.progress import Progress
from pyrus_etl.sync.stages import together

log = logging.getLogger(__name__)

Overrides = Mapping[int, int | None]


class Page(NamedTuple):
    """Bodies, and the rows of those that could be read, by task; `hidden`: bodies in which the rules hide more."""

    bodies: list[StoredBody]
    rows: dict[int, Rows]
    hidden: dict[int, bytes]


class Rebuilt(NamedTuple):
    """How many tasks have new rows, and how many were rejected because PostgreSQL refused their rows."""

    tasks: int = 0
    set_aside: int = 0


async def rebuild_all(reader: Store, writers: Sequence[Store], progress: Progress, privacy: Privacy = OPEN) -> Rebuilt:
    """Rebuilds the rows of every body; if an upgrade or an earlier call left outdated rows, only those.

    If what is stored follows other privacy rules, it hides what these name, in the stored bodies too. All stores are of
    the same database: a page is read while others are written. Memory does not grow with the number of tasks.
    """
    digest, store = privacy.digest, writers[0]
    if await _follows_others(store, privacy):
        hide = partial(hidden_part, privacy) if privacy.is_needed else None
        await store.transaction(rules.begin, digest, hide, privacy.key_check)
    elif not await store.query(rebuild.outdated):
        await store.transaction(rebuild.mark_all)
    progress.tasks_wanted = await store.query(rebuild.outdated)
    pages: asyncio.Queue[Page | None] = asyncio.Queue(1)
    refused: list[int] = []

    async def write_each(writer: Store) -> None:
        while page := await pages.get():
            refused.append(await _write(writer, page))
            progress.tasks_done += len(page.bodies)
        pages.put_nowait(None)  # for the next writer

    await together(_read_all(reader, pages, privacy), *map(write_each, writers))
    await store.transaction(rules.finish, digest)
    return Rebuilt(progress.tasks_done - sum(refused), sum(refused))


async def _follows_others(store: Store, privacy: Privacy) -> bool:
    """Whether stored rows follow other rules, and no rebuild has begun to apply these."""
    applied = await store.query(rules.are_applied, privacy.digest, is_needed=privacy.is_needed)
    return not applied and not await store.query(rules.are_begun, privacy.digest)


async def rebuild_some(
    store: Store, task_ids: Collection[int], form_overrides: Overrides, privacy: Privacy = OPEN
) -> None:
    """Rebuilds the rows of those tasks whose rows another version of the reader made."""
    bodies = await store.query(rebuild.outdated_among, task_ids)
    if bodies:
        log.info("rebuilding the rows of %d tasks: another version made them", len(bodies))
        await _write(store, _page(bodies, form_overrides, privacy))


async def _read_all(store: Store, pages: asyncio.Queue[Page | None], privacy: Privacy) -> None:
    """Reads each page while those before it are written; None follows the last one."""
    form_overrides, last = await store.query(forms.overrides), FIRST
    while (page := await store.query(_read_page, last, form_overrides, privacy)).bodies:
        last = page.bodies[-1].task_id
        await pages.put(page)
    await pages.put(None)


def _read_page(connection: Connection, after: int, form_overrides: Overrides, privacy: Privacy) -> Page:
    return _page(rebuild.outdated_bodies(connection, after), form_overrides, privacy)


def _page(bodies: list[StoredBody], form_overrides: Overrides, privacy: Privacy) -> Page:
    found = {body.task_id: hidden_again(body.payload, privacy) for body in bodies}
    hidden = {task_id: body for task_id, body in found.items() if body is not None}
    read = [body._replace(payload=hidden.get(body.task_id, body.payload)) for body in bodies]
    return Page(bodies, _read(read, form_overrides), hidden)


def _read(bodies: list[StoredBody], form_overrides: Overrides) -> dict[int, Rows]:
    """Returns the rows of the bodies by task; a task whose body cannot be read keeps its rows."""
    tasks = {}
    for body in bodies:
        try:
            task, _ = READERS[body.api](body.payload)
        except msgspec.DecodeError as error:
            log.warning("the stored body of task %s cannot be read; its rows stay as they are: %s", body.task_id, error)
        else:
            tasks[body.task_id] = task_rows(task, form_overrides)
    return tasks


async def _write(store: Store, page: Page) -> int:
    """Writes a page, and rejects tasks whose rows PostgreSQL refuses; returns their number."""
    bodies, tasks, hidden = page
    try:
        await store.transaction(rebuild.write_rebuilt, tasks, bodies, hidden)
    except RowsRefused as error:
        if len(bodies) > 1:
            middle = len(bodies) // 2
            halves = (page._replace(bodies=bodies[:middle]), page._replace(bodies=bodies[middle:]))
            return sum([await _write(store, half) for half in halves])
        log.warning("task %s is set aside: %s", bodies[0].task_id, error)
        await store.transaction(reject_rebuilt, Rejected(bodies[0].task_id, "load", str(error), None, None))
        return 1
    return 0
