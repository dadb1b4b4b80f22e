"""Objects that users attach to the reports survive when reports are dropped and recreated, or are named."""

import os
from collections.abc import Callable, Iterator

import pytest

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.reports.materialized import dematerialize, materialize
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import downgrade, upgrade
from pyrus_etl.settings import Secret
from tests.roles import as_role, give_all_to

Warned = Callable[[], list[str]]

WIDE, KEPT = "pyrus_report.form_invoices", "pyrus_report.form_invoices_materialized"
READER, LENDER, OWNER = (f'"{name} of ""us"" {os.getpid()}"' for name in ("Reader", "Lender", "Owner"))

A_FORM = """
    INSERT INTO pyrus.projects (project_id, name) VALUES (100, 'Invoices');
    INSERT INTO pyrus.form_fields (form_id, field_id, field_type, field_name, in_rows)
    VALUES (100, 1, 'Decimal', 'Amount', false), (100, 2, 'Text', 'Subject', false), (100, 3, 'Catalog', 'Shop', false)
"""
ONE_MORE_FIELD = "INSERT INTO pyrus.form_fields VALUES (100, 9, 'Text', 'New', NULL, false)"
NOT_IN_PLACE = "ALTER VIEW pyrus_report.project_paths RENAME COLUMN path TO way"
"""After this, an upgrade cannot replace that view in place, so it recreates all reports."""

TO_ANY = [
    "GRANT SELECT ON {report} TO {reader}, PUBLIC",
    "GRANT SELECT, UPDATE ON {report} TO {lender} WITH GRANT OPTION",
    "SET ROLE {lender}; GRANT UPDATE ON {report} TO {reader} WITH GRANT OPTION; RESET ROLE",
    "SET ROLE {reader}; GRANT UPDATE ON {report} TO pg_monitor; RESET ROLE",
    "GRANT SELECT (task_id), UPDATE (text) ON {report} TO {reader} WITH GRANT OPTION",
    "REVOKE INSERT, TRUNCATE ON {report} FROM {owner}",
    "REVOKE ALL ON {report} FROM pg_read_all_stats",
]
TO_A_VIEW = [
    "ALTER VIEW {report} SET (security_barrier = true, security_invoker)",
    "ALTER VIEW {report} ALTER COLUMN text SET DEFAULT 'It''s'",
    "CREATE FUNCTION public.instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER \"In stead\" INSTEAD OF UPDATE ON {report} FOR EACH ROW EXECUTE FUNCTION public.instead(1, 'a b')",
    """COMMENT ON TRIGGER "In stead" ON {report} IS 'E''s'""",
    'ALTER TRIGGER "In stead" ON {report} DEPENDS ON EXTENSION plpgsql',
    "CREATE RULE nothing AS ON DELETE TO {report} WHERE old.task_id > 5 DO INSTEAD NOTHING",
    "COMMENT ON RULE nothing ON {report} IS 'N'",
    "COMMENT ON VIEW {report} IS 'Ours'",
    "COMMENT ON COLUMN {report}.text IS 'O''s \\ %'",
]
TO_ROWS = [
    "CREATE UNIQUE INDEX ON {report} (task_id) INCLUDE (text)",
    "DROP INDEX pyrus_report.form_invoices_materialized_task_id_idx",
    "CREATE INDEX form_invoices_materialized_task_id_idx ON {report} (task_id DESC NULLS LAST)",
    'CREATE INDEX "Of ""us""" ON {report} (lower(text) text_pattern_ops, (amount * 2)) WHERE state = \'open\'',
    'COMMENT ON INDEX pyrus_report."Of ""us""" IS \'For the board\'',
    'ALTER INDEX pyrus_report."Of ""us""" ALTER COLUMN 2 SET STATISTICS 500',
    "CREATE INDEX elsewhere ON {report} USING hash (text) WITH (fillfactor = 70) TABLESPACE elsewhere",
    'CREATE INDEX collated ON {report} (text COLLATE "C") WITH (deduplicate_items = off)',
    "CREATE INDEX searched ON {report} USING gin (to_tsvector('simple', text)) WITH (fastupdate = off)",
    "CREATE UNIQUE INDEX the_key ON {report} (task_id) NULLS NOT DISTINCT",
    "ALTER MATERIALIZED VIEW {report} CLUSTER ON the_key",
    "ALTER MATERIALIZED VIEW {report} DEPENDS ON EXTENSION plpgsql",
    "ALTER INDEX pyrus_report.the_key DEPENDS ON EXTENSION plpgsql",
    "ALTER TABLE {report} REPLICA IDENTITY FULL",
    "ALTER MATERIALIZED VIEW {report} SET (fillfactor = 70, autovacuum_enabled = off, toast.autovacuum_enabled = off)",
    "ALTER MATERIALIZED VIEW {report} ALTER COLUMN text SET STATISTICS 300",
    "ALTER MATERIALIZED VIEW {report} ALTER COLUMN text SET STORAGE EXTERNAL",
    "ALTER MATERIALIZED VIEW {report} ALTER COLUMN text SET COMPRESSION pglz",
    "ALTER MATERIALIZED VIEW {report} ALTER COLUMN text SET (n_distinct = -0.5)",
    "ALTER MATERIALIZED VIEW {report} SET TABLESPACE elsewhere",
    "CREATE STATISTICS public.both (ndistinct) ON amount, text FROM {report}",
    "ALTER STATISTICS public.both SET STATISTICS 700",
    "ALTER STATISTICS public.both OWNER TO {owner}",
    "COMMENT ON STATISTICS public.both IS 'Both'",
    "COMMENT ON MATERIALIZED VIEW {report} IS 'Ours'",
    "COMMENT ON COLUMN {report}.text IS 'O''s \\ %'",
]
"""PostgreSQL allows most of these only for materialized views."""
ON_A_DROPPED_COLUMN = [
    "ALTER MATERIALIZED VIEW {report} RENAME shop TO place",
    "GRANT SELECT (place) ON {report} TO pg_monitor",
    "CREATE INDEX mine ON {report} (place)",
    "CREATE STATISTICS public.of_another ON text, amount FROM {report}",
    "INSERT INTO pg_seclabel VALUES ('{report}'::regclass, 'pg_class'::regclass, 0, 'a_provider', 'MASKED')",
]

CATALOG = """
    WITH report AS (SELECT * FROM pg_class WHERE relnamespace = 'pyrus_report'::regnamespace AND relkind IN ('v', 'm'))
    SELECT 'relation', relname::text, concat_ws(' | ', relowner::regrole, relispopulated, relreplident, (
               SELECT spcname FROM pg_tablespace AS place WHERE place.oid = reltablespace
           ), (SELECT string_agg(option, ',' ORDER BY option) FROM unnest(reloptions) AS option), (
               SELECT reloptions FROM pg_class AS toast WHERE toast.oid = report.reltoastrelid
           )) FROM report
    UNION ALL SELECT 'right', relname, {right} FROM report, aclexplode(coalesce(relacl, acldefault('r', relowner)))
    UNION ALL SELECT 'right', relname || '.' || attname, {right}
        FROM report JOIN pg_attribute ON attrelid = report.oid, aclexplode(attacl)
    UNION ALL SELECT 'default', relname, pg_get_expr(adbin, adrelid) FROM report JOIN pg_attrdef ON adrelid = report.oid
    UNION ALL SELECT 'column', relname || '.' || attname, concat_ws(' | ', nullif(attstattarget, -1), attstorage,
               attcompression, attoptions, col_description(attrelid, attnum))
        FROM report JOIN pg_attribute ON attrelid = report.oid AND attnum > 0 AND attname NOT IN ('new', 'path', 'way')
    UNION ALL SELECT 'index', indexname, concat_ws(' | ', indexdef, tablespace, (
               SELECT string_agg(attstattarget::text, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = class.oid
           ), indisclustered)
        FROM pg_indexes JOIN pg_class AS class ON relname = indexname JOIN pg_index ON indexrelid = class.oid
        WHERE schemaname = 'pyrus_report'
    UNION ALL SELECT 'statistics', stxname, pg_get_statisticsobjdef(oid) || stxstattarget || stxowner::regrole
        FROM pg_statistic_ext
    UNION ALL SELECT 'trigger', relname, pg_get_triggerdef(pg_trigger.oid)
        FROM report JOIN pg_trigger ON tgrelid = report.oid
    UNION ALL SELECT 'rule', relname, pg_get_ruledef(pg_rewrite.oid)
        FROM report JOIN pg_rewrite ON ev_class = report.oid WHERE rulename <> '_RETURN'
    UNION ALL SELECT 'extension', (pg_identify_object(classid, objid, 0)).identity, deptype::text
        FROM pg_depend WHERE deptype = 'x'
    UNION ALL SELECT 'comment', (pg_identify_object(classoid, objoid, objsubid)).identity, description
        FROM pg_description WHERE objoid >= 16384 AND objsubid = 0 AND description NOT LIKE 'Comments by%'
                              AND (pg_identify_object(classoid, objoid, objsubid)).identity NOT LIKE 'pyrus.%'
"""
GIVEN = "concat_ws(' ', grantee::regrole, privilege_type, is_grantable)"
GIVEN_BY = "concat_ws(' ', grantee::regrole, privilege_type, is_grantable, grantor::regrole)"


@pytest.fixture
def reports(each_database: Secret) -> Iterator[Connection]:
    """A superuser's database with a form's wide view; three roles, and a tablespace."""
    with connect(each_database) as connection:
        connection.execute(A_FORM)
        refresh(connection)
        for role in (READER, LENDER, OWNER):
            connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        connection.execute("SET allow_in_place_tablespaces = on")
        if not connection.execute("SELECT FROM pg_tablespace WHERE spcname = 'elsewhere'").fetchall():
            connection.execute("CREATE TABLESPACE elsewhere LOCATION ''")
        connection.execute("GRANT CREATE ON TABLESPACE elsewhere TO PUBLIC")
        connection.execute(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA pyrus_report GRANT SELECT ON TABLES TO pg_read_all_stats"
        )
        yield connection
        connection.execute(f"DROP OWNED BY {READER}, {LENDER}, {OWNER} CASCADE".encode())
        connection.execute(f"DROP ROLE {READER}, {LENDER}, {OWNER}".encode())


@pytest.fixture
def empty(database: Secret) -> Iterator[Connection]:
    """A database with the schema and no rows."""
    with connect(database) as connection:
        yield connection


def attach(connection: Connection, statements: list[str], report: str) -> None:
    """Does to a report what users do; the report, like all our objects, belongs to a role."""
    if report == KEPT:
        materialize(connection, "form_invoices")
    give_all_to(connection, OWNER)
    connection.execute(f"GRANT CREATE ON SCHEMA public TO {OWNER}".encode())
    connection.execute(f"GRANT USAGE ON SCHEMA pyrus_report TO {READER}, {LENDER}".encode())
    for statement in statements:
        text = statement.format(report=report, reader=READER, lender=LENDER, owner=OWNER)
        connection.execute(text.encode())


def as_owner(url: Secret) -> Secret:
    return as_role(url, OWNER)


def a_field_more(connection: Connection, url: Secret) -> None:
    connection.execute(ONE_MORE_FIELD)
    with connect(url) as user:
        refresh(user)


def an_upgrade(connection: Connection, url: Secret) -> None:
    connection.execute(NOT_IN_PLACE)
    upgrade(url)


def an_upgrade_in_place(connection: Connection, url: Secret) -> None:
    connection.execute("COMMENT ON SCHEMA pyrus_report IS 'Of another version'")
    upgrade(url)


CASES = {
    "when the form has got a field": a_field_more,
    "when an upgrade recreates the reports": an_upgrade,
    "when an upgrade changes them in their place": an_upgrade_in_place,
}


@pytest.mark.parametrize("user", ["postgres", "owner"])
@pytest.mark.parametrize("case", CASES)
def test_everything_that_users_attached_survives(
    reports: Connection, each_database: Secret, caplog: pytest.LogCaptureFixture, case: str, user: str
) -> None:
    attach(reports, TO_ANY + TO_ROWS, KEPT)
    attach(reports, TO_ANY + TO_A_VIEW, WIDE)
    catalog = CATALOG.format(right=GIVEN_BY if user == "postgres" else GIVEN).encode()
    before = sorted(reports.execute(catalog).fetchall())
    CASES[case](reports, each_database if user == "postgres" else as_owner(each_database))

    assert sorted(reports.execute(catalog).fetchall()) == before
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == []


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Returns the warnings since the last call."""

    def since() -> list[str]:
        found = [record.message for record in caplog.records if record.levelname == "WARNING"]
        caplog.clear()
        return found

    return since


def test_a_warning_names_what_cannot_be_kept_and_the_statement_for_it(
    reports: Connection, each_database: Secret, warned: Warned
) -> None:
    attach(reports, ON_A_DROPPED_COLUMN, KEPT)
    with connect(as_owner(each_database)) as owner:
        refresh(owner)

    texts = [text.partition("; to add it again: ")[::2] for text in warned()]
    assert texts[0][0] == f'{KEPT} cannot keep what users added: column "place" does not exist'
    assert [statement for _, statement in texts] == [
        f"CREATE INDEX mine ON {KEPT} USING btree (place);",
        "ALTER STATISTICS public.of_another OWNER TO postgres;",
        f"GRANT SELECT (place) ON {KEPT} TO pg_monitor;",
        f"SECURITY LABEL FOR a_provider ON MATERIALIZED VIEW {KEPT} IS 'MASKED';",
    ]


def test_a_warning_names_what_is_dropped_with_a_report(empty: Connection, database: Secret, warned: Warned) -> None:
    materialize(empty, "clock")
    empty.execute("GRANT SELECT ON pyrus_report.clock, pyrus_report.clock_materialized TO pg_monitor")
    empty.execute("CREATE INDEX mine ON pyrus_report.clock_materialized (time_zone)")
    dematerialize(empty, "clock")
    with_it = warned()
    downgrade(database, "0001")

    dropped = "pyrus_report.{} is dropped with what users added; to add it again: {};"
    right = "GRANT SELECT ON pyrus_report.{} TO pg_monitor"
    assert with_it == [
        dropped.format(
            "clock_materialized", "CREATE INDEX mine ON pyrus_report.clock_materialized USING btree (time_zone)"
        ),
        dropped.format("clock_materialized", right.format("clock_materialized")),
    ]
    assert warned() == [dropped.format("clock", right.format("clock"))]


def test_a_unique_index_that_no_longer_holds_is_named(empty: Connection) -> None:
    materialize(empty, "person_names")
    empty.execute("CREATE UNIQUE INDEX one_of_a_name ON pyrus_report.person_names_materialized (name)")
    empty.execute("INSERT INTO pyrus.persons (person_id, first_name) VALUES (1, 'Ann'), (2, 'Ann')")

    with pytest.raises(DatabaseUnavailable, match=r'"one_of_a_name"; .*\(name\)=\(Ann\).* Drop that index'):
        refresh(empty)


def test_a_comment_by_a_user_stays_and_all_others_follow_their_fields(reports: Connection) -> None:
    reports.execute("COMMENT ON COLUMN pyrus_report.form_invoices.amount IS 'With tax'")
    refresh(reports)
    reports.execute("UPDATE pyrus.form_fields SET field_name = field_name || ' of it'")
    refresh(reports)
    refresh(reports)
    comments = "SELECT col_description('pyrus_report.form_invoices'::regclass, generate_series(13, 15))"

    assert reports.execute(comments).fetchall() == [("With tax",), ("Subject of it",), ("Shop of it",)]
