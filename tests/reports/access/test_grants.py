"""`db grant` by any role that may grant: the reader can read all reports, later ones too, and nothing else."""

import os
from collections.abc import Iterator

import psycopg
import pytest

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.reports.access.grants import grant_reports, limit_reader, revoke
from pyrus_etl.reports.access.limited_tables import Given
from pyrus_etl.reports.materialized import materialize
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.settings import Secret
from tests.reports.test_attached import A_FORM, NOT_IN_PLACE, ONE_MORE_FIELD
from tests.roles import as_role, give_all_to, plain

OWNER, THIRD, GRANTER, GROUP = (f"{name}_{os.getpid()}" for name in ("keeper", "third", "granter", "group"))
READERS = [
    f"reader_{os.getpid()}",
    f'"Reader ""{os.getpid()}"", with spaces; and more"',
    '"current_user"',
    '"SELECT"',
    '"читатель"',
    f'"{"r" * 63}"',
    GROUP,
]
MAY_READ = """
    SELECT count(*) > 30 AND bool_and(has_table_privilege(oid, 'SELECT')) FROM pg_class
    WHERE relnamespace = 'pyrus_report'::regnamespace AND relkind IN ('v', 'm')
"""
ON_TABLES = """
    SELECT count(*) FROM pg_namespace LEFT JOIN pg_class ON relnamespace = pg_namespace.oid AND relkind IN ('r', 'v')
    WHERE nspname = 'pyrus' AND (has_schema_privilege(%(role)s, pg_namespace.oid, 'USAGE, CREATE')
                                 OR has_table_privilege(%(role)s, pg_class.oid, 'SELECT, INSERT, UPDATE, DELETE'))
"""
GRANTERS = {
    "the owner": "ALTER ROLE {owner} LOGIN",
    "a superuser": "ALTER ROLE {granter} SUPERUSER",
    "a member": "GRANT {owner} TO {granter}",
    "a member of a member": "GRANT {owner} TO {group}; GRANT {group} TO {granter}",
    "a member who has to become the owner": "ALTER ROLE {granter} NOINHERIT; GRANT {owner} TO {granter}",
    "a member who cannot become the owner": "GRANT {owner} TO {granter} WITH INHERIT TRUE, SET FALSE",
}


def formatted(text: str) -> bytes:
    return text.format(owner=OWNER, third=THIRD, granter=GRANTER, group=GROUP).encode()


@pytest.fixture
def superuser(each_database: Secret) -> Iterator[Connection]:
    """The superuser's session in a database whose tables and reports belong to another role."""
    roles = [OWNER, THIRD, GRANTER, *READERS]
    with connect(each_database) as connection:
        for role in roles:
            connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        give_all_to(connection, OWNER)
        connection.execute(A_FORM)
        yield connection
        for role in reversed(roles):
            connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())


def reads_all(url: Secret, reader: str) -> bool:
    """Whether a role may read every report, can read some, and has no privilege on a table."""
    with psycopg.connect(as_role(url, reader).reveal(), autocommit=True) as session:
        for report in ("clock", "form_invoices"):
            session.execute(f"TABLE pyrus_report.{report}".encode())
        (may_read,) = session.execute(MAY_READ).fetchone() or (None,)
        return may_read is True and session.execute(ON_TABLES, {"role": plain(reader)}).fetchall() == [(0,)]


def owner_changes_everything(superuser: Connection, url: Secret) -> None:
    """Creates a form, a materialised report and a field, and runs an upgrade that recreates all reports."""
    with connect(as_role(url, OWNER)) as owner:
        refresh(owner)
        materialize(owner, "form_invoices")
        materialize(owner, "task_overview")
        superuser.execute(ONE_MORE_FIELD)
        refresh(owner)
    superuser.execute(NOT_IN_PLACE)
    upgrade(as_role(url, OWNER))


@pytest.mark.parametrize("granter", GRANTERS)
def test_the_reader_reads_what_the_owner_creates_later(
    superuser: Connection, each_database: Secret, granter: str
) -> None:
    right = GRANTERS[granter]
    if superuser.info.server_version < 160000:  # older servers have no such option
        right = right.partition(" WITH INHERIT")[0]
    superuser.execute(formatted(right))
    with connect(as_role(each_database, OWNER if granter == "the owner" else GRANTER)) as session:
        grant_reports(session, READERS[0])
        grant_reports(session, READERS[0])
    with connect(as_role(each_database, OWNER)) as owner:
        refresh(owner)
        materialize(owner, "form_invoices")

    assert reads_all(each_database, READERS[0])


def test_a_role_with_any_name_can_be_granted(superuser: Connection, each_database: Secret) -> None:
    for reader in (*READERS, OWNER, THIRD):
        grant_reports(superuser, plain(reader))
    owner_changes_everything(superuser, each_database)

    assert [reads_all(each_database, reader) for reader in READERS] == [True] * len(READERS)


def test_a_member_reads_as_its_group_does(superuser: Connection, each_database: Secret) -> None:
    superuser.execute(formatted("GRANT {group} TO {third}"))
    grant_reports(superuser, GROUP)
    refresh(superuser)

    assert reads_all(each_database, THIRD)


def test_reports_of_several_owners_are_granted_for_each_of_them(superuser: Connection, each_database: Secret) -> None:
    superuser.execute(formatted("ALTER VIEW pyrus_report.attachment_overview OWNER TO {third}"))
    superuser.execute(formatted("GRANT CREATE ON SCHEMA pyrus_report TO {third}; GRANT {owner} TO {third}"))
    grant_reports(superuser, READERS[0])
    with connect(as_role(each_database, THIRD)) as third:
        refresh(third)
        materialize(third, "form_invoices")

    assert reads_all(each_database, READERS[0])


def test_some_forms_are_granted_by_whoever_may_create_schemas(superuser: Connection, each_database: Secret) -> None:
    """The owner of the tables owns the reader's views too, so the owner's refresh makes them again."""
    reader, given = READERS[0], Given((100,))
    superuser.execute("INSERT INTO pyrus.forms (form_id, name, seen_at) VALUES (100, 'Invoices', now())")
    superuser.execute(formatted("ALTER ROLE {owner} LOGIN; ALTER ROLE {granter} NOINHERIT; GRANT {owner} TO {granter}"))
    superuser.execute(
        f"DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {GRANTER}', current_database()); END $$"
    )
    with connect(as_role(each_database, OWNER)) as owner:
        with pytest.raises(
            DatabaseUnavailable, match=f"{OWNER} may not create schemas for {OWNER}; run this as a super"
        ):
            limit_reader(owner, reader, given)
        with connect(as_role(each_database, GRANTER)) as granter:
            grant_reports(granter, reader)
            limit_reader(granter, reader, given)
        refresh(owner)
    with psycopg.connect(as_role(each_database, reader).reveal(), autocommit=True) as session:
        assert session.execute(f"SELECT count(*) FROM pyrus_report_{reader}.form_invoices".encode()).fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("SELECT FROM pyrus_report.clock")

    with connect(as_role(each_database, GRANTER)) as granter:
        assert revoke(granter, reader) is None
    assert not superuser.execute("SELECT FROM pg_namespace WHERE nspname LIKE %s", [f"pyrus%{reader}"]).fetchall()


REFUSED = {
    "somebody": "GRANT USAGE ON SCHEMA pyrus_report TO {granter}",
    "somebody who may read": "GRANT USAGE ON SCHEMA pyrus, pyrus_report TO {granter};"
    "GRANT SELECT ON ALL TABLES IN SCHEMA pyrus, pyrus_report TO {granter} WITH GRANT OPTION",
    "a member of one of two owners": "GRANT {owner} TO {granter};ALTER VIEW pyrus_report.clock OWNER TO {third}",
}


@pytest.mark.parametrize("granter", REFUSED)
def test_a_role_that_may_not_grant_learns_which_may(superuser: Connection, each_database: Secret, granter: str) -> None:
    superuser.execute(formatted(REFUSED[granter]))

    may_not = f"The role {GRANTER} of DATABASE_URL may not grant the reports; grant them as .* or as a superuser"
    with pytest.raises(DatabaseUnavailable, match=may_not), connect(as_role(each_database, GRANTER)) as session:
        grant_reports(session, READERS[0])
    assert not superuser.execute("SELECT FROM pg_default_acl").fetchall()


@pytest.mark.parametrize("name", ["Reader", "r" * 64, "\udcff", "a\nb", "none", 'no"body', "pg_nobody"])
def test_a_role_that_does_not_exist_is_named_as_sql_names_it(superuser: Connection, name: str) -> None:
    with pytest.raises(SettingsError, match=r"There is no role .* in this database; create it: CREATE ROLE "):
        grant_reports(superuser, name)
