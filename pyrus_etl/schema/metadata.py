"""What all tables share: the schema, the naming of constraints, and columns, each with a comment."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, MetaData, Table, Text, text

SCHEMA = "pyrus"
REPORT_SCHEMA = "pyrus_report"
MATERIALIZED = "_materialized"
"""Suffix of the materialized copy of a report."""
PARTITIONS = "pyrus_partitions"
"""The schema of partitions; see `reports.partition`."""
REVISION = "0031"
"""The Alembic revision that creates exactly these tables."""

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
    """A part of a natural key: an id that Pyrus gives."""
    return Column(name, BigInteger, primary_key=True, autoincrement=False, comment=comment)


def account_key() -> Column[int]:
    return key("account_id", "Id of the person that the connector logs in as.")


def stream_key() -> Column[str]:
    return Column("stream", Text, primary_key=True, server_default=text("'tasks'"), comment="The stream: tasks.")


def ordinal(name: str, comment: str) -> Column[int]:
    """A part of the key: a position in an array of the API, from 1."""
    return Column(name, Integer, primary_key=True, autoincrement=False, comment=comment)


def task_key() -> Column[int]:
    """The first part of the key of every table about a task; deleting a task deletes its rows there."""
    owner = ForeignKey(f"{SCHEMA}.tasks.task_id", ondelete="CASCADE")
    return Column("task_id", BigInteger, owner, primary_key=True, autoincrement=False, comment="Id of the task.")


def synced_at() -> Column[Any]:
    """Set by PostgreSQL to the time of the transaction; `load` never writes it.

    https://www.postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT
    """
    comment = "When this row was written to this database."
    by_server = {"filled_by_server": True}
    return Column("synced_at", Timestamp, nullable=False, server_default=text("now()"), info=by_server, comment=comment)


def written_columns(table: Table) -> list[str]:
    """The columns that `load` writes, in order: all except those that PostgreSQL fills."""
    return [column.name for column in table.columns if not column.info.get("filled_by_server")]


def owned_table(name: str, *columns: Any, comment: str) -> Table:
    """A table in which every row belongs to one task: when the task changes, `load` replaces all its rows."""
    return Table(name, metadata, task_key(), *columns, synced_at(), info={"owned": True}, comment=comment)
