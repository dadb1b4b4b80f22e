"""`db grant ROLE --write-back`, with real logins: a role inserts rows, sees its own, and cannot forge who it is."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports.access.grants import grant_reports
from pyrus_etl.reports.access.write_back import grant_write_back
from pyrus_etl.reports.upgrade import migrate
from pyrus_etl.settings import Secret
from tests.roles import as_role, give_all_to
from tests.runs import program

OWNER, WRITER, OTHER, PUSHER = (f"{name}_{os.getpid()}" for name in ("keeper", "writer", "other", "pusher"))
INSERT = "INSERT INTO pyrus.outbox (action, task_id, body) VALUES ('comment', 5, '{\"text\": \"%s\"}')"


@pytest.fixture
def superuser(each_database: Secret) -> Iterator[Connection]:
    """The superuser's session in a database whose tables belong to another role."""
    with connect(each_database) as connection:
        for role in (OWNER, WRITER, OTHER, PUSHER):
            connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        give_all_to(connection, OWNER)
        yield connection
        for role in (PUSHER, OTHER, WRITER, OWNER):
            connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())


@pytest.fixture
def writers(superuser: Connection, each_database: Secret) -> Iterator[tuple[Connection, Connection]]:
    """The sessions of two roles that may write; each has inserted a row."""
    for role in (WRITER, OTHER, OTHER):
        grant_write_back(superuser, role)
    urls = [as_role(each_database, role).reveal() for role in (WRITER, OTHER)]
    with psycopg.connect(urls[0], autocommit=True) as one, psycopg.connect(urls[1], autocommit=True) as two:
        one.execute((INSERT % "mine").encode())
        two.execute((INSERT % "other").encode())
        yield one, two


def test_a_writer_sees_its_own_rows_only_and_the_database_says_whose_they_are(
    superuser: Connection, writers: tuple[Connection, Connection]
) -> None:
    one, two = writers
    seen = [session.execute("SELECT body ->> 'text', created_by, status FROM pyrus.outbox") for session in writers]

    assert [rows.fetchall() for rows in seen] == [[("mine", WRITER, "waiting")], [("other", OTHER, "waiting")]]
    assert superuser.execute("SELECT count(*) FROM pyrus.outbox").fetchall() == [(2,)]
    for table in ("tasks", "raw_tasks", "sync_runs"):
        with pytest.raises(InsufficientPrivilege):
            two.execute(f"SELECT FROM pyrus.{table}".encode())
    with pytest.raises(InsufficientPrivilege):
        one.execute("SELECT FROM pyrus_report.clock")


def test_the_report_shows_a_writer_its_own_rows_and_a_reader_all(
    superuser: Connection, writers: tuple[Connection, Connection], each_database: Secret
) -> None:
    for role in (WRITER, PUSHER):
        grant_reports(superuser, role)
    written = "SELECT written FROM pyrus_report.outbox_overview ORDER BY written"
    with psycopg.connect(as_role(each_database, PUSHER).reveal(), autocommit=True) as reader:
        seen = [session.execute(written.encode()).fetchall() for session in (writers[0], reader)]

    assert seen == [[("mine",)], [("mine",), ("other",)]]


FORGED = [
    "INSERT INTO pyrus.outbox (action, task_id, created_by) VALUES ('comment', 5, 'somebody')",
    "INSERT INTO pyrus.outbox (action, task_id, status) VALUES ('comment', 5, 'sent')",
    "INSERT INTO pyrus.outbox (action, task_id, created_at) VALUES ('comment', 5, '2020-01-01')",
    "INSERT INTO pyrus.outbox (action, task_id, attempts) VALUES ('comment', 5, 9)",
    "UPDATE pyrus.outbox SET task_id = 7",
    "UPDATE pyrus.outbox SET status = 'waiting'",
    "TRUNCATE pyrus.outbox",
    "CREATE TABLE pyrus.mine ()",
    "ALTER TABLE pyrus.outbox DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON pyrus.outbox USING (true)",
    "SET ROLE {other}; TABLE pyrus.outbox",
    "SET SESSION AUTHORIZATION {other}",
]


def test_nothing_else_may_be_written(writers: tuple[Connection, Connection]) -> None:
    for statement in FORGED:
        with pytest.raises(InsufficientPrivilege):
            writers[0].execute(statement.format(other=OTHER).encode())


def test_a_role_that_was_granted_more_by_hand_cannot_forge_either(
    superuser: Connection, writers: tuple[Connection, Connection]
) -> None:
    superuser.execute(f"GRANT INSERT ON pyrus.outbox TO {WRITER}".encode())

    for statement in FORGED[:2]:
        with pytest.raises(InsufficientPrivilege, match="row-level security"):
            writers[0].execute(statement.encode())


def test_a_row_can_be_cancelled_while_it_waits_and_only_by_its_writer(
    superuser: Connection, writers: tuple[Connection, Connection]
) -> None:
    superuser.execute("UPDATE pyrus.outbox SET status = 'sending' WHERE body ->> 'text' = 'other'")
    deleted = [session.execute("DELETE FROM pyrus.outbox").rowcount for session in writers]

    assert deleted == [1, 0]
    assert superuser.execute("SELECT body ->> 'text' FROM pyrus.outbox").fetchall() == [("other",)]
    with pytest.raises(CheckViolation):
        writers[0].execute("INSERT INTO pyrus.outbox (action) VALUES ('burn')")


def test_a_role_that_may_read_the_tables_and_not_insert_sees_all_rows(
    superuser: Connection, writers: tuple[Connection, Connection], each_database: Secret
) -> None:
    read = f"GRANT USAGE ON SCHEMA pyrus TO {PUSHER}; GRANT SELECT ON ALL TABLES IN SCHEMA pyrus TO {PUSHER}"
    superuser.execute(read.encode())
    with connect(as_role(each_database, PUSHER)) as reader:
        require_schema(reader)
        seen = reader.execute("SELECT count(*) FROM pyrus.outbox").fetchall()

    assert seen == [(2,)]


def test_a_role_that_pushes_and_does_not_own_the_tables_works_with_all_rows(
    superuser: Connection, writers: tuple[Connection, Connection], each_database: Secret
) -> None:
    superuser.execute(f"GRANT USAGE ON SCHEMA pyrus TO {PUSHER}".encode())
    superuser.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pyrus TO {PUSHER}".encode())
    with connect(as_role(each_database, PUSHER)) as pusher:
        require_schema(pusher)
        changed = pusher.execute("UPDATE pyrus.outbox SET status = 'sent', sent_at = now()").rowcount

    assert changed == 2


def test_an_upgrade_restores_the_protection_and_nobody_is_granted_without_it(
    superuser: Connection, each_database: Secret
) -> None:
    superuser.execute("DROP POLICY insert_own ON pyrus.outbox; ALTER TABLE pyrus.outbox DISABLE ROW LEVEL SECURITY")
    with pytest.raises(DatabaseUnavailable, match="not protected; run pyrus-etl db upgrade"):
        grant_write_back(superuser, WRITER)
    before = [each.text for each in migrate.differences(each_database)]
    migrate.upgrade(as_role(each_database, OWNER))
    grant_write_back(superuser, WRITER)

    assert before == ["missing row level security of pyrus.outbox"]
    assert migrate.differences(each_database) == []


def test_the_command_says_who_may_grant(superuser: Connection, each_database: Secret) -> None:
    done = program("db", "grant", WRITER, "--write-back", database=as_role(each_database, OWNER))
    refused = program("db", "grant", OTHER, "--write-back", database=as_role(each_database, PUSHER))

    assert done.stdout == f"{WRITER} can insert rows into pyrus.outbox; pyrus-etl push sends them.\n"
    assert (refused.returncode, "may not grant the outbox" in refused.stderr) == (5, True)
    with pytest.raises(SettingsError, match="There is no role 'nobody_here'"):
        grant_write_back(superuser, "nobody_here")
