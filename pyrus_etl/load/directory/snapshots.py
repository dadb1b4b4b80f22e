"""The directory → its tables: what was served whole replaces what is stored, and what vanished is marked.

Every function works inside the caller's transaction. An unchanged directory writes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, NamedTuple

from sqlalchemy import Table

from pyrus_etl.load.directory.fields_seen import fields_of, fields_of_others, note_fields, only_seen_by_others, own
from pyrus_etl.load.directory.seen import see
from pyrus_etl.load.tasks.batch import write
from pyrus_etl.model.stream import CATALOGS, FORMS
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.replace import replace, vanished
from pyrus_etl.schema.catalog import catalog_columns, catalog_items
from pyrus_etl.schema.definition import form_choices, form_fields, form_steps
from pyrus_etl.schema.person import role_members
from pyrus_etl.schema.snapshot import Snapshot

_MARK_DELETED: LiteralString = "SET deleted = true WHERE stored.deleted IS NOT true"
_GONE: Mapping[Table, LiteralString] = {
    form_steps: "DELETE",
    form_fields: "SET removed_at = now() WHERE stored.removed_at IS NULL",
    form_choices: _MARK_DELETED,
    catalog_columns: "DELETE",
    catalog_items: _MARK_DELETED,
    role_members: "DELETE",
}
"""Tables whose rows belong to a form, catalog or role, and what happens to a row that its owner no longer has.

Values of tasks refer to fields, choices and items, so these stay.
"""
RETRIED_AFTER = "1 day"
"""How long a catalog that was refused is left alone while its version stays."""


def store(connection: Connection, account_id: int, snapshot: Snapshot) -> None:
    """Writes what an account was served. Safe to repeat."""
    if snapshot.merged is not None:
        write(connection, snapshot.merged)
    is_of_forms = snapshot.stream == FORMS
    for table, columns, rows, kept in _of_forms(connection, account_id, snapshot) if is_of_forms else _parts(snapshot):
        replace(connection, table, columns, sorted(rows, key=lambda row: row[: len(table.primary_key)]))
        if action := _GONE.get(table):
            vanished(connection, table, action, snapshot.owners, kept)
    if snapshot.ids is not None:
        see(connection, account_id, snapshot.stream, snapshot.ids, is_whole=snapshot.is_whole)
    if is_of_forms:
        note_fields(connection, account_id, _seen_whole(snapshot))


class _Part(NamedTuple):
    """Rows to write into a table, and the keys that have not vanished from it."""

    table: Table
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    kept: Sequence[tuple[Any, ...]]


def _parts(snapshot: Snapshot) -> list[_Part]:
    return [_Part(table, columns, rows, rows) for table, columns, rows in snapshot.parts]


def _of_forms(connection: Connection, account_id: int, snapshot: Snapshot) -> list[_Part]:
    """The parts, without what is left to another account that sees more of a form."""
    parts, mine = _parts(snapshot), _fields(snapshot)
    others = fields_of_others(connection, account_id, list(mine))
    if not others:
        return parts
    fields, choices = only_seen_by_others(connection, mine, others.values())
    kept = {form_fields: fields, form_choices: choices}
    return [
        part._replace(
            rows=own(account_id, part.rows, mine, others) if part.table is form_fields else part.rows,
            kept=[*part.rows, *kept.get(part.table, ())],
        )
        for part in parts
    ]


def _fields(snapshot: Snapshot) -> dict[int, set[int]]:
    """The fields of each form that the account sees."""
    found = fields_of(row for part in snapshot.parts if part.table is form_fields for row in part.rows)
    return {form_id: found.get(form_id, set()) for form_id in snapshot.ids or ()}


def _seen_whole(snapshot: Snapshot) -> dict[int, set[int]]:
    return {form_id: ids for form_id, ids in _fields(snapshot).items() if form_id in snapshot.owners}


def known_versions(connection: Connection, account_id: int) -> dict[int, int]:
    """The version of each catalog whose contents are stored, or were refused to this account within a day."""
    return dict(
        connection.execute(
            """
            SELECT catalog_id, version FROM pyrus.catalogs
            LEFT JOIN pyrus.directory_sightings AS sighting
                ON account_id = %s AND stream = %s AND thing_id = catalog_id
            WHERE version = contents_version OR version = refused_version AND refused_at > now() - %s::interval
            """,
            [account_id, CATALOGS, RETRIED_AFTER],
        ).fetchall()
    )
