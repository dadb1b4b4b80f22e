"""Settings of the database or the role that would change the meaning of our SQL have no effect."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.definitions import are_of_this_version
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import differences, upgrade
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.postgres.test_pooler import pooler
from tests.runs import program, sync
from tests.typing import Query

SHADOWS = """
    CREATE FUNCTION public.format(text, text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'nothing' $$;
    CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'nothing' $$;
    CREATE FUNCTION public.never(bigint, bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$;
    CREATE OPERATOR public.= (FUNCTION = public.never, LEFTARG = bigint, RIGHTARG = bigint);
    CREATE TABLE public.tasks (task_id text);
    CREATE TABLE public.pg_class (oid text)
"""
SETTINGS = {
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "exit_on_error": "on",
    "quote_all_identifiers": "on",
    "datestyle": "German",
    "intervalstyle": "sql_standard",
    "extra_float_digits": "-15",
    "default_transaction_isolation": "serializable",
    "search_path": "public, pg_catalog",
    "timezone": "Pacific/Chatham",
    "bytea_output": "escape",
    "backslash_quote": "off",
    "escape_string_warning": "off",
    "xmloption": "document",
    "check_function_bodies": "off",
    "lc_numeric": "C",
    "row_security": "off",
    "session_replication_role": "replica",
    "default_toast_compression": "pglz",
    "client_min_messages": "error",
    "plan_cache_mode": "force_generic_plan",
}
EXTENSIONS = "SELECT DISTINCT extension FROM pyrus_report.attachment_overview ORDER BY 1"
DEFINITIONS = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'pyrus_report' ORDER BY 1"


@pytest.fixture
def odd(empty_database: Secret) -> Secret:
    """A database without our schema, with every such setting at an odd value."""
    with psycopg.connect(empty_database.reveal(), autocommit=True) as connection:
        connection.execute(SHADOWS.encode())
        make_odd(connection, SETTINGS)
    return empty_database


def make_odd(connection: psycopg.Connection, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        quoted = value if name == "search_path" else f"'{value}'"
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {name} = {quoted}".encode())


def test_everything_is_as_it_would_be_without_them(odd: Secret, database: Secret) -> None:
    upgrade(odd)
    with Sandbox(World(3, tasks=40)) as sandbox:
        sandbox.world.put(7, b"no body")
        for each in (odd, database):
            code = program("sync", sandbox=sandbox, database=each)
            assert code.returncode == 6, code.stderr
            with connect(each) as connection:
                refresh(connection)
        with plain(odd) as strange, plain(database) as usual:
            for query in (EXTENSIONS, DEFINITIONS):
                assert strange.execute(query).fetchall() == usual.execute(query).fetchall()
        for command in ("check", "db check", "reports refresh", "reports materialize clock", "status", "errors list"):
            assert program(*command.split(), sandbox=sandbox, database=odd).returncode == 0, command
        with plain(odd) as connection:
            connection.execute(f"ALTER DATABASE {connection.info.dbname} RESET ALL".encode())
        assert_tables_equal_world(odd, sandbox.world, set_aside=[7])


@pytest.mark.parametrize("name", ["standard_conforming_strings", "array_nulls", "default_transaction_isolation"])
def test_each_alone_does_no_harm_either(each_database: Secret, query: Query, name: str) -> None:
    with psycopg.connect(each_database.reveal(), autocommit=True) as connection:
        make_odd(connection, {name: SETTINGS[name]})
    with Sandbox(World(3, tasks=40)) as sandbox:
        sync(sandbox, each_database)

        assert_tables_equal_world(each_database, sandbox.world)
    assert differences(each_database) == []


def test_settings_in_the_url_stay_unless_they_change_the_meaning(database: Secret) -> None:
    asked = make_conninfo(database.reveal(), options="-c array_nulls=off -c statement_timeout=7s")
    with connect(Secret(asked)) as connection:
        found = connection.execute("SELECT current_setting('array_nulls'), current_setting('statement_timeout')")

        assert found.fetchone() == ("on", "7s")


def test_functions_of_extensions_do_not_cause_a_second_connection(database: Secret, query: Query) -> None:
    query(database, "CREATE FUNCTION public.mine() RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$")
    with connect(database) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ('"$user", public',)


def test_a_pooler_that_keeps_such_a_setting_gets_a_sentence_with_the_remedy(database: Secret, query: Query) -> None:
    query(database, f"ALTER DATABASE {conninfo_to_dict(database.reveal())['dbname']} SET array_nulls = off")
    with pooler(database) as pooled:
        process = program("status", database=pooled)

    assert process.returncode == 5
    assert "array_nulls is off" in process.stderr
    assert "ALTER ROLE postgres SET array_nulls = on" in process.stderr


def test_views_created_under_such_a_setting_are_noticed_and_fixed(database: Secret, query: Query) -> None:
    spoilt = """
        CREATE OR REPLACE VIEW pyrus_report.clock AS
        SELECT now() AS now, (now() AT TIME ZONE time_zone)::date AS today, time_zone || '' AS time_zone
        FROM pyrus.report_settings
    """
    query(database, spoilt)
    with connect(database) as connection:
        assert not are_of_this_version(connection)
    upgrade(database)
    with connect(database) as connection:
        assert are_of_this_version(connection)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Chatham", "America/New_York"])
def test_whether_views_are_right_does_not_depend_on_the_zone_of_the_session(
    database: Secret, query: Query, zone: str
) -> None:
    query(database, f"ALTER DATABASE {conninfo_to_dict(database.reveal())['dbname']} SET timezone = '{zone}'")
    with connect(database) as connection:
        assert are_of_this_version(connection)


def plain(database: Secret) -> psycopg.Connection:
    """A session with the usual settings."""
    return psycopg.connect(database.reveal(), autocommit=True, options=" ".join(USUAL))


USUAL = [
    *("-c standard_conforming_strings=on", "-c quote_all_identifiers=off", "-c datestyle=ISO", "-c timezone=UTC"),
    *("-c intervalstyle=postgres", "-c search_path=public", "-c array_nulls=on"),
]


@pytest.mark.parametrize("command", ["status", "check", "db check", "db upgrade"])
def test_a_server_that_ends_the_first_statement_is_answered_with_the_remedy(database: Secret, command: str) -> None:
    url = Secret(f"{database.reveal()}&options=-c%20statement_timeout%3D1")
    found = program(*command.split(), database=url)

    assert (found.returncode, "Traceback" in found.stderr) == (5, False), found.stderr
    assert "set statement_timeout" in found.stdout + found.stderr
