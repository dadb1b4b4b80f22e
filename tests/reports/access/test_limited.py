"""`db grant --forms` and `--projects`: a real login sees the rows of these tasks in every report and table."""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.reports.access import limited
from pyrus_etl.reports.access.grants import grant_reports, limit_reader, revoke
from pyrus_etl.reports.access.limited import LISTS, Limits
from pyrus_etl.reports.access.limited_tables import SEEN, SHOWN, Given
from pyrus_etl.reports.materialized import materialize
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import downgrade, upgrade
from pyrus_etl.reports.views import views
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.conftest import clone
from tests.reports.conftest import _STOPPED_CLOCK
from tests.reports.test_attached import A_FORM, NOT_IN_PLACE, ONE_MORE_FIELD
from tests.roles import as_role
from tests.runs import backfill
from tests.servers import Server

READER, ALL, OTHER = (f"{name}_{os.getpid()}" for name in ("limited", "unlimited", "other"))
OF_RUNS = {"run_accounts", "sync_freshness", "sync_history"}
"""Reports on runs, without the counts of tasks."""
MENTIONED = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'pyrus' AND column_name = ANY (%s) AND table_name = ANY (%s)
"""
OF_PERSONS = ["person_id", "author_id", "responsible_id", "user_id", "reassigned_to_id", "value_person_id"]
LEAK = """
    CREATE FUNCTION pg_temp.leak(value text) RETURNS boolean IMMUTABLE COST 0.0000001 LANGUAGE plpgsql
    AS $$ BEGIN RAISE NOTICE 'leaked %', value; RETURN true; END $$
"""


class Organisation(NamedTuple):
    """A database with every report, and one that has only the tasks of one form; `form`: its id."""

    url: Secret
    reduced: Secret
    form: int


@pytest.fixture(scope="module")
def organisation(postgresql_18: Server) -> Iterator[Organisation]:
    with clone(postgresql_18) as url:
        with Sandbox(World(1, tasks=60)) as sandbox:
            backfill(sandbox, url, PYRUS_API="v4")
        with connect(url) as connection:
            connection.execute(_STOPPED_CLOCK.encode())
            refresh(connection)
            materialize(connection, "task_overview")
            for role in (READER, ALL, OTHER):
                connection.execute(f"CREATE ROLE {role} LOGIN".encode())
            asked = "SELECT form_id FROM pyrus.tasks JOIN pyrus.approvals USING (task_id) ORDER BY form_id LIMIT 1"
            ((form,),) = connection.execute(asked).fetchall()
        name = str(conninfo_to_dict(url.reveal())["dbname"])
        with clone(postgresql_18, template=name) as reduced:
            reduce(reduced, form)
            yield Organisation(url, reduced, form)
        with connect(url) as connection:
            for role in (READER, ALL, OTHER):
                connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def reduce(url: Secret, form: int) -> None:
    """Deletes all tasks and definitions of other forms."""
    with connect(url) as connection:
        connection.execute("DELETE FROM pyrus.tasks WHERE form_id IS DISTINCT FROM %s", [form])
        for table in ("task_sightings", "inbox_tasks", "attachment_contents", "external_tasks"):
            connection.execute(
                f"DELETE FROM pyrus.{table} WHERE task_id NOT IN (SELECT task_id FROM pyrus.tasks)".encode()
            )
        for table in ("form_fields", "form_steps", "form_choices", "forms"):
            connection.execute(f"DELETE FROM pyrus.{table} WHERE form_id <> {form}".encode())
        for table in ("catalog_items", "catalog_columns", "catalogs"):
            statement = f"DELETE FROM pyrus.{table} WHERE catalog_id NOT IN (SELECT catalog_id FROM pyrus.form_fields)"
            connection.execute(statement.replace(")", " WHERE catalog_id IS NOT NULL)").encode())


@pytest.fixture
def superuser(organisation: Organisation) -> Iterator[Connection]:
    with connect(organisation.url) as connection:
        yield connection
        for role in (READER, ALL, OTHER):
            revoke(connection, role)


def session(organisation: Organisation, role: str = READER) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(as_role(organisation.url, role).reveal(), autocommit=True)


def rows(connection: Any, schema: str, name: str, condition: str = "true") -> list[str]:
    """All rows of a view or table as texts."""
    query = sql.SQL("SELECT to_jsonb(each)::text FROM {} AS each WHERE {}").format(
        sql.Identifier(schema, name),
        sql.SQL(condition),
    )
    return sorted(text for (text,) in connection.execute(query))


def mentioned(connection: Connection) -> str:
    """The persons that the rows of tasks mention, by the names of the columns."""
    tables = [name for name in SHOWN if name not in (*SEEN, "inbox_tasks")]
    found = connection.execute(MENTIONED, [OF_PERSONS, tables]).fetchall()
    queries = [f"SELECT {column} FROM pyrus.{table}" for table, column in found]
    ids = connection.execute(" UNION ".join(queries).encode()).fetchall()
    return ", ".join(str(each) for (each,) in ids if each is not None)


def test_the_reader_sees_what_a_database_with_these_tasks_alone_would_show(
    organisation: Organisation, superuser: Connection
) -> None:
    own = limit_reader(superuser, READER, Given((organisation.form,)), tables=True).own
    with session(organisation) as reader, connect(organisation.reduced) as reduced:
        persons = mentioned(reduced)
        for name in set(views()) - OF_RUNS - LISTS.keys():
            assert rows(reader, own["pyrus_report"], name) == rows(reduced, "pyrus_report", name), name
        for name in set(SHOWN) - SEEN.keys() - {"sync_runs"}:
            assert rows(reader, own["pyrus"], name) == rows(reduced, "pyrus", name), name
        for schema, names in (("pyrus_report", ("person_names", "person_workload")), ("pyrus", ("persons",))):
            for name in names:
                expected = rows(reduced, schema, name, f"person_id IN ({persons})")
                assert rows(reader, own[schema], name) == expected != rows(reduced, schema, name), name

        assert 0 < len(rows(reader, own["pyrus"], "tasks")) < len(rows(superuser, "pyrus", "tasks"))
        assert 0 < len(rows(reader, own["pyrus"], "projects")) < len(rows(superuser, "pyrus", "projects"))
        wide = "SELECT tablename FROM pg_tables WHERE false UNION SELECT viewname FROM pg_views WHERE schemaname = %s"
        forms = {name for (name,) in reader.execute(wide, [own["pyrus_report"]]) if name.startswith("form_")}
        of_form = "SELECT view_name FROM pyrus.report_views WHERE form_id = %s"
        assert forms == {name for (name,) in superuser.execute(of_form, [organisation.form])}
        for name in forms:
            assert rows(reader, own["pyrus_report"], name) == rows(superuser, "pyrus_report", name) != []
        counts = "SELECT count(*) FROM {} WHERE tasks_listed IS NOT NULL OR error IS NOT NULL OR login IS NOT NULL"
        assert reader.execute(sql.SQL(counts).format(sql.Identifier(own["pyrus"], "sync_runs"))).fetchone() == (0,)


def test_nothing_else_can_be_read_not_even_by_functions_that_tell(
    organisation: Organisation, superuser: Connection
) -> None:
    """A function of the reader sees each value that a condition has not left out by then."""
    limits = limit_reader(superuser, READER, Given((organisation.form,)), tables=True)
    seen: set[str] = set()
    with session(organisation) as reader:
        reader.add_notice_handler(lambda notice: seen.add((notice.message_primary or "").removeprefix("leaked ")))
        reader.execute(LEAK)
        relations = "SELECT schemaname, viewname FROM pg_views WHERE starts_with(schemaname, 'pyrus') UNION "
        relations += "SELECT schemaname, tablename FROM pg_tables WHERE starts_with(schemaname, 'pyrus') UNION "
        relations += "SELECT schemaname, matviewname FROM pg_matviews"
        for schema, name in superuser.execute(relations).fetchall():
            relation = sql.Identifier(schema, name)
            if schema not in limits.own.values():
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute(sql.SQL("SELECT FROM {}").format(relation))
                continue
            seen.clear()
            told = {each for row in reader.execute(leaking(superuser, relation)) for each in row}
            assert seen <= told, relation

    seen.clear()
    superuser.add_notice_handler(lambda notice: seen.add((notice.message_primary or "").removeprefix("leaked ")))
    superuser.execute(LEAK)
    superuser.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")
    unsafe = leaking(superuser, sql.Identifier(limits.rows, "tasks"))
    told = {each for row in superuser.execute(unsafe) for each in row}
    assert seen > told, "the attack works on a view without a barrier"


def leaking(connection: Connection, relation: sql.Identifier) -> sql.Composed:
    """A query for all columns as texts, which tells the values that its condition sees."""
    asked = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    columns = [sql.Identifier(name) for (name,) in connection.execute(asked, [relation.as_string()])]
    texts = [sql.SQL("coalesce({}::text, '')").format(column) for column in columns]
    told = sql.SQL(" AND ").join(sql.SQL("pg_temp.leak({})").format(text) for text in texts)
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(sql.SQL(", ").join(texts), relation, told)


def test_a_reader_of_no_task_sees_no_row(organisation: Organisation, superuser: Connection) -> None:
    """A new report that lists persons or projects by itself has to be in LISTS."""
    with superuser.transaction():
        limited.create(superuser, Limits(READER, Given((-1,)), tables=True))
    (own,) = (limits.own for limits in limited.present(superuser))
    with session(organisation) as reader:
        shown = {name for name in views() if rows(reader, own["pyrus_report"], name)}
        tables = {name for name in SHOWN if rows(reader, own["pyrus"], name)}

    assert shown <= {"clock", *OF_RUNS}
    assert tables <= {"report_settings", "sync_cursors", "sync_runs", "working_periods"}


def test_projects_include_those_below_them(organisation: Organisation, superuser: Connection) -> None:
    ask = """
        SELECT tree.project_id, count(DISTINCT below_id), count(DISTINCT task_id), array_agg(DISTINCT task_id)
        FROM pyrus_report.project_tree AS tree JOIN pyrus.task_projects AS filed ON filed.project_id = below_id
        GROUP BY 1 ORDER BY 2 DESC, 3, 1 LIMIT 1
    """
    ((project, below, tasks, ids),) = superuser.execute(ask).fetchall()
    own = limit_reader(superuser, READER, Given((organisation.form,), (project,)), tables=True).own
    expected = "SELECT task_id FROM pyrus.tasks WHERE form_id = %s OR task_id = ANY (%s) ORDER BY task_id"
    found = sql.SQL("SELECT task_id FROM {} ORDER BY task_id").format(sql.Identifier(own["pyrus"], "tasks"))
    with session(organisation) as reader:
        assert reader.execute(found).fetchall() == superuser.execute(expected, [organisation.form, ids]).fetchall()

    assert (below > 1, tasks > 1) == (True, True)


def test_a_grant_replaces_the_one_before_and_a_revoke_takes_all_back(
    organisation: Organisation, superuser: Connection
) -> None:
    """Other readers keep what they have."""
    whole, given = "SELECT count(*) FROM pyrus_report.task_overview", Given((organisation.form,))
    part = f'SELECT count(*) FROM "pyrus_report_{READER}".task_overview'
    grant_reports(superuser, ALL)
    grant_reports(superuser, READER, tables=True)
    with session(organisation) as reader, session(organisation, ALL) as other:
        assert reader.execute("SELECT count(*) FROM pyrus.tasks").fetchone() == (60,)
        assert reader.execute(whole.encode()).fetchone() == other.execute(whole.encode()).fetchone() == (60,)

        limit_reader(superuser, READER, given)
        limit_reader(superuser, READER, given)
        (few,) = reader.execute(part.encode()).fetchone() or (0,)
        for refused in (whole, "SELECT FROM pyrus.tasks", f'SELECT FROM "pyrus_{READER}".tasks'):
            with pytest.raises(psycopg.Error, match=r"permission denied|does not exist"):
                reader.execute(refused.encode())
        assert 0 < few < 60
        assert other.execute(whole.encode()).fetchone() == (60,)

        grant_reports(superuser, READER)
        assert reader.execute(whole.encode()).fetchone() == (60,)
        assert limited.present(superuser) == []

        assert revoke(superuser, READER) is None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(whole.encode())
        superuser.execute(f"DROP ROLE {READER}; CREATE ROLE {READER} LOGIN".encode())


POWERFUL = {
    "ALTER ROLE {reader} SUPERUSER": "can get any right",
    "ALTER ROLE {reader} CREATEROLE": "can get any right",
    "GRANT {all} TO {reader}": f"{READER} is a member of {ALL}, which ",
    "GRANT pg_read_all_data TO {reader}": "can read pyrus",
    "GRANT SELECT (task_id) ON pyrus.notes TO public": "can read pyrus.notes",
    "GRANT SELECT ON pyrus_report.task_overview_materialized TO public": "can read pyrus_report.task_overview_mat",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {reader}": "may read what postgres makes",
    "ALTER TABLE pyrus_report.clock OWNER TO {reader}": "can read pyrus_report.clock",
}
UNDO = """
    ALTER ROLE {reader} NOSUPERUSER NOCREATEROLE; REVOKE {all}, pg_read_all_data FROM {reader};
    REVOKE SELECT (task_id) ON pyrus.notes FROM public;
    REVOKE SELECT ON pyrus_report.task_overview_materialized FROM public;
    ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM {reader}; ALTER TABLE pyrus_report.clock OWNER TO CURRENT_USER
"""


def test_a_role_that_could_read_more_is_refused_with_the_reason(
    organisation: Organisation, superuser: Connection
) -> None:
    grant_reports(superuser, ALL)
    for statement, reason in POWERFUL.items():
        superuser.execute(statement.format(reader=READER, all=ALL).encode())
        with pytest.raises(DatabaseUnavailable) as refusal:
            limit_reader(superuser, READER, Given((organisation.form,)))
        assert "Nothing is granted, because the role could read all rows: " in str(refusal.value)
        assert reason in str(refusal.value), statement
        superuser.execute(UNDO.format(reader=READER, all=ALL).encode())

    assert limited.present(superuser) == []
    limit_reader(superuser, ALL, Given((organisation.form,)))
    superuser.execute(f"GRANT {ALL} TO {READER}".encode())
    with pytest.raises(DatabaseUnavailable, match=f"which can read pyrus_report_{ALL}"):
        limit_reader(superuser, READER, Given((organisation.form,)))
    superuser.execute(f"REVOKE {ALL} FROM {READER}".encode())


def test_the_reports_of_a_reader_follow_forms_and_upgrades(database: Secret) -> None:
    """They are made again by a refresh and an upgrade, even one that recreates all views; a downgrade drops them."""
    ask = (
        "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    )
    follower = f"follower_{os.getpid()}"
    with connect(database) as connection:
        connection.execute(f"CREATE ROLE {follower} LOGIN; {A_FORM}".encode())
        connection.execute(
            "INSERT INTO pyrus.forms (form_id, name, seen_at) VALUES (100, 'pyrus.tasks ''{0}''', now())"
        )
        refresh(connection)
        view = f"pyrus_report_{follower}.form_pyrus_tasks_0"
        try:
            limit_reader(connection, follower, Given((100,)))
            connection.execute(ONE_MORE_FIELD)
            refresh(connection)
            assert "amount" in str(columns := connection.execute(ask, [view]).fetchone())
            assert " new" in str(columns)

            connection.execute(NOT_IN_PLACE)
            upgrade(database)
            assert connection.execute(ask, [view]).fetchone() == columns
            with psycopg.connect(as_role(database, follower).reveal()) as reader:
                assert reader.execute(f"SELECT FROM {view}".encode()).fetchall() == []

            downgrade(database, "0020")
            assert limited.present(connection) == []
        finally:
            connection.execute(f"DROP OWNED BY {follower}; DROP ROLE {follower}".encode())
