"""Rows of the directory, as normalize passes them to load: what Pyrus serves whole replaces what is stored."""

from collections.abc import Collection, Sequence, Set
from typing import Any, NamedTuple

from sqlalchemy import Table

from pyrus_etl.schema.metadata import written_columns
from pyrus_etl.schema.rows import Rows


class Part(NamedTuple):
    """Rows of a table with their values in these columns, the key first; each key once. A null is a value too."""

    table: Table
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


def whole_rows(table: Table, rows: Sequence[tuple[Any, ...]]) -> Part:
    """Rows with a value for every column."""
    return Part(table, tuple(written_columns(table)), rows)


class Snapshot(NamedTuple):
    """What an answer says about a stream.

    `ids`: of what the account sees in the stream; None if the answer does not list it. `is_whole`: it sees nothing
    else. `merged`: rows in which a null says nothing. `parts`: rows that replace the stored ones. `owners`: the forms,
    catalogs or roles whose own rows, in tables that belong to them, are all in `parts`.
    """

    stream: str
    ids: Set[int] | None = None
    is_whole: bool = True
    merged: Rows | None = None
    parts: Sequence[Part] = ()
    owners: Collection[int] = ()
