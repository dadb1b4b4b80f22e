"""The directory → its tables: what was served whole replaces what is stored, and what vanished is marked.

Every function works inside the caller's transaction. An unchanged directory writes nothing.
"""

from collections.abc import Mapping
from typing import LiteralString

from sqlalchemy import Table

from pyrus_etl.load.batch import write
from pyrus_etl.load.seen import see
from pyrus_etl.model.stream import CATALOGS
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
    for table, columns, rows in snapshot.parts:
        replace(connection, table, columns, sorted(rows, key=lambda row: row[: len(table.primary_key)]))
        if action := _GONE.get(table):
            vanished(connection, table, action, snapshot.owners, rows)
    if snapshot.ids is not None:
        see(connection, account_id, snapshot.stream, snapshot.ids, is_whole=snapshot.is_whole)


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
