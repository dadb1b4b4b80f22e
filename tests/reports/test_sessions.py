"""The sessions of other programs count days as the reports do, if the database is ours."""

import os
from collections.abc import Iterator

import psycopg
import pytest

from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.reports.access.sessions import Default, advice, missing_defaults, set_defaults
from pyrus_etl.settings import Secret
from tests.reports.conftest import Reports
from tests.roles import as_role, give_all_to

OWNER = f"owner_of_reports_{os.getpid()}"


@pytest.fixture
def name(reports: Reports) -> str:
    """The database of the reports, in whose time zone it is tomorrow already."""
    reports.set_time_zone("Pacific/Kiritimati")
    return reports.connection.info.dbname


@pytest.fixture
def owner(reports: Reports, database: Secret) -> Iterator[Connection]:
    """The owner of the reports, but not of the database."""
    reports.connection.execute(f"CREATE ROLE {OWNER} LOGIN".encode())
    give_all_to(reports.connection, OWNER)
    with connect(as_role(database, OWNER)) as connection:
        yield connection
    reports.connection.execute(f"DROP OWNED BY {OWNER} CASCADE; DROP ROLE {OWNER}".encode())


def new_session(url: Secret) -> tuple[str, str]:
    with psycopg.connect(url.reveal()) as session:
        return tuple(session.execute(f"SHOW {name}".encode()).fetchone()[0] for name in ("TimeZone", "jit"))  # type: ignore[index]


def test_sessions_get_the_time_zone_of_the_reports_and_no_compilation(
    reports: Reports, database: Secret, name: str
) -> None:
    missing = missing_defaults(reports.connection)

    assert [default.statement for default in missing] == [
        f"ALTER DATABASE \"{name}\" SET jit = 'off'",
        f"ALTER DATABASE \"{name}\" SET TimeZone = 'Pacific/Kiritimati'",
    ]
    assert set_defaults(reports.connection, missing) == []
    assert missing_defaults(reports.connection) == []
    assert new_session(database) == ("Pacific/Kiritimati", "off")


def test_what_somebody_chose_for_the_database_is_left_to_them(reports: Reports, database: Secret, name: str) -> None:
    reports.connection.execute(f"ALTER DATABASE \"{name}\" SET timezone = 'Asia/Tokyo'".encode())
    left = set_defaults(reports.connection, missing_defaults(reports.connection))

    assert left == [Default(f"ALTER DATABASE \"{name}\" SET TimeZone = 'Pacific/Kiritimati'", "Asia/Tokyo")]
    assert new_session(database) == ("Asia/Tokyo", "off")


def test_who_does_not_own_the_database_gets_the_statements_for_its_owner(
    owner: Connection, database: Secret, name: str
) -> None:
    before = new_session(database)
    left = set_defaults(owner, missing_defaults(owner))

    assert advice(left).endswith(
        f"ALTER DATABASE \"{name}\" SET jit = 'off'; ALTER DATABASE \"{name}\" SET TimeZone = 'Pacific/Kiritimati'"
    )
    assert new_session(database) == before
