"""What all tables have in common: one schema, names for constraints, a comment on everything."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, MetaData, Table, text

SCHEMA = "pyrus"
REPORT_SCHEMA = "pyrus_report"
MATERIALIZED = "_materialized"
"""What the name of a report ends with if its rows are kept."""
REVISION = "0006"
"""The revision of Alembic that declares exactly these tables."""

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    },
)

Timestamp = DateTime(timezone=True)


def bigint(name: str, comment: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, comment=comment, **options)


def key(name: str, comment: str) -> Column[int]:
    """A part of the natural key that Pyrus gives."""
    return Column(name, BigInteger, primary_key=True, autoincrement=False, comment=comment)


def ordinal(name: str, comment: str) -> Column[int]:
    """A part of the key that is a place in an array of the API, from 1."""
    return Column(name, Integer, primary_key=True, autoincrement=False, comment=comment)


def task_key() -> Column[int]:
    """The key's first part in every table about a task; children go with their task."""
    owner = ForeignKey(f"{SCHEMA}.tasks.task_id", ondelete="CASCADE")
    return Column(
        "task_id", BigInteger, owner, primary_key=True, autoincrement=False, comment="The task that this is about."
    )


def synced_at() -> Column[Any]:
    """Filled by PostgreSQL with the time of the transaction; `load` leaves it out."""
    comment = "When this row was written here."
    by_server = {"filled_by_server": True}
    return Column("synced_at", Timestamp, nullable=False, server_default=text("now()"), info=by_server, comment=comment)


def written_columns(table: Table) -> list[str]:
    """The columns that a row of ours has, in its order: all but those that PostgreSQL fills."""
    return [column.name for column in table.columns if not column.info.get("filled_by_server")]


def owned_table(name: str, *columns: Any, comment: str) -> Table:
    """A table whose rows belong to one task each: when the task changes, `load` replaces them as a whole."""
    return Table(name, metadata, task_key(), *columns, synced_at(), info={"owned": True}, comment=comment)
