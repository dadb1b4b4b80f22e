"""Partitions by hash of the task, for a database with tens of millions of tasks.

Everything that belongs to a task is partitioned in the same way: by `task_id`, which is in every key. The partitions
are in a schema of their own, so that the tables have the names and the columns that are declared.
"""

from collections.abc import Iterator

import sqlalchemy
from psycopg import sql
from sqlalchemy import MetaData, Table

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.locks import LOCK_TIMEOUT, with_lock_retries
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports import definitions, materialized
from pyrus_etl.reports.access import limited
from pyrus_etl.reports.attached import attached, restore
from pyrus_etl.reports.upgrade.alembic_context import connected
from pyrus_etl.reports.upgrade.differences import driver_of
from pyrus_etl.schema import SCHEMA
from pyrus_etl.schema.metadata import PARTITIONS, metadata
from pyrus_etl.settings import Retry, Secret
from pyrus_etl.settings.retry import LOCKS

MOST = 1024

_AT_WORK = "SELECT holder FROM pyrus.sync_leases WHERE expires_at > clock_timestamp() LIMIT 1"
_KIND = "SELECT relkind FROM pg_class WHERE oid = 'pyrus.tasks'::regclass"
_OF_USERS = """
    SELECT format('trigger %%I on %%s', tgname, tgrelid::regclass) FROM pg_trigger
    WHERE NOT tgisinternal AND tgrelid = ANY (%(tables)s::regclass[])
    UNION ALL SELECT format('policy %%I on %%s', polname, polrelid::regclass) FROM pg_policy
    WHERE polrelid = ANY (%(tables)s::regclass[])
    UNION ALL SELECT format('index %%s', indexrelid::regclass) FROM pg_index
    WHERE indrelid = ANY (%(tables)s::regclass[])
        AND NOT (indexrelid::regclass::text = ANY (%(indexes)s))
"""
_GRANTS = """
    SELECT privilege_type, is_grantable, CASE grantee WHEN 0 THEN 'public' ELSE grantee::regrole::text END
    FROM pg_class CROSS JOIN aclexplode(relacl) WHERE oid = %s::regclass AND grantee <> relowner
"""


def tables() -> list[Table]:
    """The tables that are partitioned: tasks, and all whose rows are deleted with their task, which come after it."""
    return [table for table in metadata.sorted_tables if table.name == "tasks" or _parents(table) == {"tasks"}]


def _parents(table: Table) -> set[str]:
    return {key.column.table.name for key in table.foreign_keys}


def partition(url: Secret, parts: int, locks: Retry = LOCKS) -> None:
    """Partitions the tables about tasks, in one transaction that copies every row; other sessions wait meanwhile.

    Views are created again, with what users attached to them. Raises SettingsError if the tables are partitioned
    already, or have triggers, policies or indexes of the user's, and DatabaseUnavailable if a run is at work.
    """
    with connect(url) as driver:
        require_schema(driver)
        _require_ready(driver)
    with connected(url) as connection:
        with_lock_retries(lambda: _partition(connection, parts), locks)
    with connect(url) as driver:
        materialized.populate(driver, locks)
        for table in tables():
            driver.execute(sql.SQL("ANALYZE {}").format(_in(SCHEMA, table)))


def _require_ready(connection: Connection) -> None:
    if connection.execute(_KIND).fetchone() != ("r",):
        raise SettingsError("The tables are partitioned already; to change the number, restore a dump into new tables.")
    names = [f"{SCHEMA}.{table.name}" for table in tables()]
    indexes = [f"{SCHEMA}.{name}" for table in tables() for name in _names_of_indexes(table)]
    found = [text for (text,) in connection.execute(_OF_USERS, {"tables": names, "indexes": indexes})]
    if found:
        raise SettingsError(f"These would be lost: {', '.join(found)}. Drop them, and create them again afterwards.")
    if held := connection.execute(_AT_WORK).fetchone():
        raise DatabaseUnavailable(f"A run is at work: {held[0]}; wait for it to end, or stop it.")


def _names_of_indexes(table: Table) -> Iterator[str]:
    yield f"pk_{table.name}"
    yield from (str(index.name) for index in table.indexes)


def _partition(connection: sqlalchemy.Connection, parts: int) -> None:
    with connection.begin():
        driver = driver_of(connection)
        driver.execute(LOCK_TIMEOUT)
        of_users, materialised = attached(driver), materialized.columns(driver)
        of_readers = limited.drop(driver)
        definitions.drop(driver)
        driver.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(PARTITIONS)))
        comment = "Partitions of the tables in the schema pyrus, by hash of the task. Ask those tables, not these."
        driver.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(PARTITIONS), sql.Literal(comment)))
        for table in tables():
            driver.execute(
                sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(_in(SCHEMA, table), sql.Identifier(PARTITIONS))
            )
        for table in _declared_as_partitioned():
            table.create(connection)
            _fill(driver, table, parts)
        for table in reversed(tables()):
            driver.execute(sql.SQL("DROP TABLE {}").format(_in(PARTITIONS, table)))
        definitions.create(driver)
        materialized.create(driver, materialised)
        restore(driver, of_users)
        materialized.index(driver, materialised)
        for limits in of_readers:
            limited.create(driver, limits)


def _declared_as_partitioned() -> list[Table]:
    """The same declarations, with names, comments, indexes and foreign keys, as partitioned tables."""
    copies = MetaData(schema=SCHEMA, naming_convention=metadata.naming_convention)
    made = [table.to_metadata(copies) for table in tables()]
    for table in made:
        table.dialect_options["postgresql"]["partition_by"] = "HASH (task_id)"
    return made


def _fill(driver: Connection, table: Table, parts: int) -> None:
    """Makes the partitions, copies the rows and gives the same rights as before."""
    for part in range(parts):
        name = sql.Identifier(PARTITIONS, f"{table.name}_{part:04d}")
        statement = sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES WITH (MODULUS {}, REMAINDER {})")
        driver.execute(statement.format(name, _in(SCHEMA, table), sql.Literal(parts), sql.Literal(part)))
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    copy = sql.SQL("INSERT INTO {} ({columns}) SELECT {columns} FROM {}")
    driver.execute(copy.format(_in(SCHEMA, table), _in(PARTITIONS, table), columns=columns))
    for privilege, is_grantable, role in driver.execute(_GRANTS, [f"{PARTITIONS}.{table.name}"]).fetchall():
        grant = sql.SQL("GRANT {} ON {} TO {}" + (" WITH GRANT OPTION" if is_grantable else ""))
        driver.execute(grant.format(sql.SQL(privilege), _in(SCHEMA, table), sql.SQL(role)))


def _in(schema: str, table: Table) -> sql.Identifier:
    return sql.Identifier(schema, table.name)
