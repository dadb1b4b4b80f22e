"""Differences between the tables and their declaration, each with what repairs it; `db check` lists them.

Undeclared objects belong to the user and are left alone. Every function works inside the caller's transaction.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import MigrateOperation, ops
from sqlalchemy import CheckConstraint, Column, Table

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.upgrade import structure
from pyrus_etl.schema.metadata import SCHEMA, metadata
from pyrus_etl.schema.report import report_settings

UPGRADE = "run pyrus-etl db upgrade, which recreates what is missing"
DROP = "drop the undeclared objects, or move them to another schema"
UNDO = (
    "undo the differences manually, or drop everything with pyrus-etl db downgrade base --yes, then run pyrus-etl db "
    "upgrade and pyrus-etl sync"
)
RENAME = "rename it back"


class Difference(NamedTuple):
    """A difference in words, the operations that repair it, the table that lost rows or values, and the remedy."""

    text: str
    repairs: Sequence[MigrateOperation] = ()
    lost: str | None = None
    remedy: str = UPGRADE

    @property
    def is_lasting(self) -> bool:
        """Whether it remains after `db upgrade` although it is about a declared object."""
        return self.remedy not in (UPGRADE, DROP)


_PLACEHOLDERS = {
    sqlalchemy.Boolean: "false",
    sqlalchemy.Integer: "0",
    sqlalchemy.BigInteger: "0",
    sqlalchemy.Double: "0",
    sqlalchemy.DateTime: "now()",
    sqlalchemy.Uuid: "gen_random_uuid()",
    sqlalchemy.Text: "''",
}
"""Values of a recreated NOT NULL column until its rows are fetched again."""


def compared(context: MigrationContext) -> list[Difference]:
    """Returns all differences. Undeclared objects count only if they can do harm: tables, columns, constraints."""
    connection = context.connection
    assert connection is not None
    if structure.is_declared(driver_of(connection)):
        return list(_settings_row(connection))
    script = produce_migrations(context, metadata)
    operations = list(_flat(script.upgrade_ops.ops if script.upgrade_ops else []))
    replaced: set[Any] = {op.index_name for op in operations if isinstance(op, ops.CreateIndexOp)}
    replaced |= {op.constraint_name for op in operations if isinstance(op, ops.CreateForeignKeyOp)}
    differences = [_unless_renamed(each, operations) for op in operations for each in _difference(op, replaced)]
    return [*differences, *_keys_and_checks(connection), *_settings_row(connection)]


def driver_of(connection: sqlalchemy.Connection) -> Connection:
    """Returns the psycopg connection behind it, in the same transaction."""
    driver: Connection = connection.connection.driver_connection  # type: ignore[assignment] # typed as any DBAPI's
    return driver


def _flat(operations: Sequence[MigrateOperation]) -> Iterator[MigrateOperation]:
    for op in operations:
        if isinstance(op, ops.ModifyTableOps):
            yield from _flat(op.ops)
        else:
            yield op


def _difference(op: MigrateOperation, replaced: set[Any]) -> Iterator[Difference]:
    match op:
        case ops.CreateTableOp():
            yield Difference(f"missing: table {SCHEMA}.{op.table_name}", [op], lost=op.table_name)
        case ops.AddColumnOp():
            yield _missing_column(op)
        case ops.CreateIndexOp():
            yield Difference(f"missing: index {op.index_name} on {SCHEMA}.{op.table_name}", [op])
        case ops.CreateForeignKeyOp():
            yield Difference(f"missing: constraint {op.constraint_name} on {SCHEMA}.{op.source_table}", [op])
        case ops.AlterColumnOp():
            yield from _altered(op)
        case ops.CreateTableCommentOp():
            yield Difference(f"differs: comment of {SCHEMA}.{op.table_name}", [op])
        case ops.DropTableOp():
            yield Difference(f"not declared: table {SCHEMA}.{op.table_name}", remedy=DROP)
        case ops.DropColumnOp():
            yield Difference(f"not declared: column {SCHEMA}.{op.table_name}.{op.column_name}", remedy=DROP)
        case ops.DropIndexOp():
            if op.index_name in replaced:
                yield Difference(f"differs: index {op.index_name} on {SCHEMA}.{op.table_name}", [op])
            elif op.to_index().unique:
                text = f"not declared: unique index {op.index_name} on {SCHEMA}.{op.table_name}"
                yield Difference(text, remedy=DROP)
        case ops.DropConstraintOp():
            text = f"constraint {op.constraint_name} on {SCHEMA}.{op.table_name}"
            if op.constraint_name in replaced:
                yield Difference(f"differs: {text}", [op])
            else:
                yield Difference(f"not declared: {text}", remedy=DROP)
        case _:
            yield Difference(f"differs: {type(op).__name__} {getattr(op, 'table_name', '')}".strip(), remedy=UNDO)


def _unless_renamed(difference: Difference, operations: Sequence[MigrateOperation]) -> Difference:
    """A table or column that was only renamed is not recreated empty: the remedy is to rename it back."""
    for op in difference.repairs:
        if other := _renamed(op, operations):
            return Difference(f"{difference.text}; it seems to be renamed to {other}", remedy=RENAME)
    return difference


def _renamed(op: MigrateOperation, operations: Sequence[MigrateOperation]) -> str | None:
    """Returns the present name of a missing table or column if it seems to be renamed."""
    if isinstance(op, ops.CreateTableOp):
        declared = set(op.to_table().columns.keys())
        tables = [each.to_table() for each in operations if isinstance(each, ops.DropTableOp)]
        return next((f"{SCHEMA}.{each.name}" for each in tables if declared <= set(each.columns.keys())), None)
    if isinstance(op, ops.AddColumnOp):
        dropped = [each for each in operations if isinstance(each, ops.DropColumnOp)]
        kinds = {each.column_name: str(each.to_column().type) for each in dropped if each.table_name == op.table_name}
        return next((name for name, kind in kinds.items() if kind == str(op.column.type)), None)
    return None


def _missing_column(op: ops.AddColumnOp) -> Difference:
    """A NOT NULL column is recreated with a placeholder; a column of a key cannot be recreated for existing rows."""
    text = f"missing: column {SCHEMA}.{op.table_name}.{op.column.name}"
    if op.column.primary_key:
        return Difference(f"{text}, part of the key", remedy=UNDO)
    if op.column.nullable or op.column.server_default is not None:
        return Difference(text, [op], lost=op.table_name)
    name, kind, comment = op.column.name, op.column.type, op.column.comment
    filled = sqlalchemy.text(_PLACEHOLDERS[type(kind)])
    column = Column(name, kind, nullable=False, server_default=filled, comment=comment)
    without_default = ops.AlterColumnOp(op.table_name, name, schema=SCHEMA, modify_server_default=None)
    return Difference(
        text, [ops.AddColumnOp(op.table_name, column, schema=SCHEMA), without_default], lost=op.table_name
    )


def _altered(op: ops.AlterColumnOp) -> Iterator[Difference]:
    """Yields the differences of a column. A type is not repaired, because that could lose values."""
    place = f"{SCHEMA}.{op.table_name}.{op.column_name}"
    if op.modify_type is not None:
        yield Difference(f"differs: type of {place} is {op.existing_type}, declared {op.modify_type}", remedy=UNDO)
        op.modify_type = None
    of = [
        *(["comment"] if op.modify_comment is not False else []),
        *(["NOT NULL"] if op.modify_nullable is not None else []),
        *(["default"] if op.modify_server_default is not False else []),
    ]
    if of:
        yield Difference(f"differs: {' and '.join(of)} of {place}", [op])


def _keys_and_checks(connection: sqlalchemy.Connection) -> Iterator[Difference]:
    """Alembic compares neither primary keys nor checks. Three queries read those of all tables."""
    inspector = sqlalchemy.inspect(connection)
    keys = inspector.get_multi_pk_constraint(SCHEMA)
    columns = inspector.get_multi_columns(SCHEMA)
    checks = inspector.get_multi_check_constraints(SCHEMA)
    for table in metadata.sorted_tables:
        place = (SCHEMA, table.name)
        if place in columns:
            yield from _key(table, keys[place]["constrained_columns"], {column["name"] for column in columns[place]})
            yield from _checks(table, {check["name"] for check in checks[place]})


def _key(table: Table, there: list[str], columns: set[str]) -> Iterator[Difference]:
    declared = [column.name for column in table.primary_key.columns]
    text = f"primary key of {SCHEMA}.{table.name}"
    if not there and columns.issuperset(declared):
        name = str(table.primary_key.name)
        yield Difference(f"missing: {text}", [ops.CreatePrimaryKeyOp(name, table.name, declared, schema=SCHEMA)])
    elif set(there) != set(declared):
        yield Difference(f"differs: {text}", remedy=UNDO)


def _checks(table: Table, there: set[str | None]) -> Iterator[Difference]:
    for check in table.constraints:
        if isinstance(check, CheckConstraint) and check.name not in there:
            op = ops.CreateCheckConstraintOp(str(check.name), table.name, check.sqltext, schema=SCHEMA)
            yield Difference(f"missing: check {check.name} on {SCHEMA}.{table.name}", [op])


def _settings_row(connection: sqlalchemy.Connection) -> Iterator[Difference]:
    """Every report needs the one row of settings; a copy of the schema alone lacks it."""
    if sqlalchemy.inspect(connection).has_table(report_settings.name, SCHEMA):
        if connection.execute(sqlalchemy.select(1).select_from(report_settings)).first():
            return
        yield Difference(
            f"missing: the row of {SCHEMA}.{report_settings.name}",
            [ops.ExecuteSQLOp(f"INSERT INTO {SCHEMA}.{report_settings.name} DEFAULT VALUES")],
        )
