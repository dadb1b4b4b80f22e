"""The reports and tables of a reader who may see some forms and projects only: schemas of the reader's own.

`pyrus_rows_READER` has the reader's rows of each table, and `pyrus_report_rows_READER` the same reports as
`pyrus_report` on these. So every count is one of the reader's rows, and nobody else's reports change. The reader cannot
use them, but `pyrus_READER` and `pyrus_report_READER`, which have a security barrier around each table and report: no
function in a query sees a row that the view leaves out. What a reader may see is kept as the comment of the first one.
https://www.postgresql.org/docs/current/rules-privileges.html
"""

import hashlib
import json
import logging
import re
from typing import LiteralString, NamedTuple

import psycopg
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import Connection, setting
from pyrus_etl.reports.access import limited_tables
from pyrus_etl.reports.access.limited_tables import SEEN, SHOWN, Given
from pyrus_etl.reports.wide_views import wide
from pyrus_etl.schema.metadata import REPORT_SCHEMA, SCHEMA

log = logging.getLogger(__name__)

LONGEST_NAME = 63
_MARK = "What a reader may see, made by pyrus-etl db grant: "
_PRESENT = """
    SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace
    WHERE starts_with(obj_description(oid, 'pg_namespace'), %s)
      AND nspowner = (SELECT nspowner FROM pg_namespace WHERE nspname = %s) ORDER BY nspname
"""
"""Only the owner's schemas count: anybody who may create schemas could write such a comment."""
_OWNER = "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = %s"
_VIEWS = "SELECT schemaname, viewname FROM pg_views WHERE schemaname = ANY (%s)"
_REPORTS = """
    SELECT relname, pg_get_viewdef(oid) FROM pg_class
    WHERE relnamespace = to_regnamespace(%s) AND relkind = 'v' AND relname = ANY (%s)
    ORDER BY array_position(%s, relname::text)
"""
_COMMENTS = """
    SELECT CASE objsubid WHEN 0 THEN format('COMMENT ON VIEW %%I.%%I IS %%L', %s::text, relname, description)
           ELSE format('COMMENT ON COLUMN %%I.%%I.%%I IS %%L', %s::text, relname, attname, description) END
    FROM pg_class JOIN pg_description ON objoid = pg_class.oid AND classoid = 'pg_class'::regclass
    LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum = objsubid
    WHERE relnamespace = to_regnamespace(%s) AND relname = ANY (%s) ORDER BY relname, objsubid
"""
_FORMS_OF_VIEWS = "SELECT view_name FROM pyrus.report_views WHERE form_id <> ALL (%s)"
_NAMES = re.compile(rf"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\b(?P<schema>{SCHEMA}|{REPORT_SCHEMA})(?=\.)")
"""Texts and quoted names, which stay as they are, and the names of our schemas."""
_SEEN_PERSON = SEEN["persons"]
_SEEN_PROJECT = SEEN["projects"]
LISTS: dict[str, LiteralString] = {
    "person_names": _SEEN_PERSON,
    "person_workload": _SEEN_PERSON,
    "project_paths": _SEEN_PROJECT,
    "project_summary": _SEEN_PROJECT,
    "project_tree": _SEEN_PROJECT + " AND below_id IN (SELECT project_id FROM {rows}.seen_projects)",  # noqa: S608 -- constants
}
"""Report → the condition of one that lists persons or projects, whether or not a task mentions them."""


class Limits(NamedTuple):
    """What a reader may see; with `tables`, also the rows of the tables."""

    role: str
    given: Given
    tables: bool = False

    @property
    def behind(self) -> dict[str, str]:
        """Our schemas → those with the reader's rows, which the reader cannot use."""
        return {schema: _named(f"{schema}_rows", self.role) for schema in (SCHEMA, REPORT_SCHEMA)}

    @property
    def own(self) -> dict[str, str]:
        """Our schemas → those that the reader reads in their place."""
        return {schema: _named(schema, self.role) for schema in (REPORT_SCHEMA, *([SCHEMA] if self.tables else []))}

    @property
    def schemas(self) -> list[str]:
        return [*self.behind.values(), *self.own.values()]

    @property
    def rows(self) -> str:
        """The schema whose comment says what the reader may see."""
        return self.behind[SCHEMA]


def _named(prefix: str, role: str) -> str:
    """The name of a reader's schema; PostgreSQL would cut a longer one, so that two readers could share it."""
    name = f"{prefix}_{role}"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"{prefix}_{hashlib.sha256(role.encode()).hexdigest()[:16]}"


def present(connection: Connection) -> list[Limits]:
    """What each such reader may see."""
    found = connection.execute(_PRESENT, [_MARK, SCHEMA]).fetchall()
    kept = [json.loads(comment.removeprefix(_MARK)) for (comment,) in found]
    return [_limits(each) for each in kept]


def create(connection: Connection, limits: Limits) -> None:
    """Creates a reader's schemas and grants them, inside the caller's transaction; the reader has none yet.

    Raises SettingsError if a schema of that name is somebody else's.
    """
    owner = _owner(connection)
    for schema in limits.schemas:
        statement = sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}")
        try:
            connection.execute(statement.format(sql.Identifier(schema), sql.Identifier(owner)))
        except psycopg.errors.DuplicateSchema as error:
            raise SettingsError(
                f"There is a schema {schema} already, which pyrus-etl has not made; rename it."
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            user, database = connection.info.user, connection.info.dbname
            raise DatabaseUnavailable(
                f"The role {user} may not create schemas for {owner}; run this as a superuser, or as {owner} after "
                f"GRANT CREATE ON DATABASE {database} TO {owner}."
            ) from error
    with setting(connection, "role", owner):
        _fill(connection, limits, _statements(connection, limits))


def renew(connection: Connection) -> None:
    """Makes the views of such readers again if those that they are made from have changed.

    If that fails, the reader keeps the old ones, and a warning says why.
    """
    for limits in present(connection):
        statements = _statements(connection, limits)
        if _kept(connection, limits) != _remark(limits, statements):
            try:
                with connection.transaction():
                    _drop_views(connection, limits)
                    _fill(connection, limits, statements)
            except psycopg.OperationalError:  # a lock, a lost connection: not about this reader
                raise
            except psycopg.Error as error:
                reason = error.diag.message_primary
                log.warning("the views of %s stay as they are: %s; repeat its db grant", limits.role, reason)


def drop(connection: Connection, role: str | None = None) -> list[Limits]:
    """Drops the schemas of a reader, or of all, inside the caller's transaction; returns what they were for.

    Raises DatabaseUnavailable if somebody's own objects are in them, or depend on them.
    """
    found = [limits for limits in present(connection) if role in (None, limits.role)]
    for limits in found:
        try:
            with setting(connection, "role", _owner(connection)):
                _drop_views(connection, limits)
                schemas = sql.SQL(", ").join(map(sql.Identifier, limits.schemas))
                connection.execute(sql.SQL("DROP SCHEMA {}").format(schemas))
        except psycopg.errors.DependentObjectsStillExist as error:
            about = (error.diag.message_detail or error.diag.message_primary or "").replace("\n", "; ")
            raise DatabaseUnavailable(
                f"Somebody's own objects depend on what {limits.role} may read. Drop them, repeat this command, then "
                f"recreate them: {about}."
            ) from error
    return found


def _owner(connection: Connection) -> str:
    """The owner of the tables, who makes and grants everything here."""
    (owner,) = connection.execute(_OWNER, [SCHEMA]).fetchone() or ("",)
    return str(owner)


def _drop_views(connection: Connection, limits: Limits) -> None:
    found = connection.execute(_VIEWS, [limits.schemas]).fetchall()
    if found:
        views = sql.SQL(", ").join(sql.Identifier(*names) for names in found)
        connection.execute(sql.SQL("DROP VIEW {}").format(views))


def _fill(connection: Connection, limits: Limits, statements: list[str]) -> None:
    connection.execute(";".join(statements).encode())  # in one round trip
    comment = sql.SQL("COMMENT ON SCHEMA {} IS {}")
    connection.execute(comment.format(sql.Identifier(limits.rows), sql.Literal(_remark(limits, statements))))


def _statements(connection: Connection, limits: Limits) -> list[str]:
    """All that fills a reader's schemas."""
    reports = _reports(connection, limits)
    with setting(connection, "search_path", ""), setting(connection, "timezone", "UTC"):
        found = connection.execute(_REPORTS, [REPORT_SCHEMA, reports, reports]).fetchall()
    made = [each.as_string(connection) for each in limited_tables.views(limits.rows, limits.given)]
    made += [_report(name, definition, limits) for name, definition in found]
    for schema, names in _read(limits, reports).items():
        own = limits.own[schema]
        made += [_barrier(schema, name, limits).as_string(connection) for name in names]
        made += [comment for (comment,) in connection.execute(_COMMENTS, [own, own, schema, names])]
        made += [each.as_string(connection) for each in _grants(own, names, limits.role)]
    return made


def _read(limits: Limits, reports: list[str]) -> dict[str, list[str]]:
    """What the reader may read, by our schemas."""
    return {REPORT_SCHEMA: reports, **({SCHEMA: SHOWN} if limits.tables else {})}


def _reports(connection: Connection, limits: Limits) -> list[str]:
    """The reports to copy; not the wide views of other forms, unless tasks of any form may be in the projects."""
    forms = list(limits.given.forms)
    others = set() if limits.given.projects else {name for (name,) in connection.execute(_FORMS_OF_VIEWS, [forms])}
    return [name for name in wide.reports(connection) if name not in others]


def _report(name: str, definition: str, limits: Limits) -> str:
    """A report on the reader's rows."""

    def moved(found: re.Match[str]) -> str:
        return sql.Identifier(limits.behind[found["schema"]]).as_string() if found["schema"] else found[0]

    view = sql.Identifier(limits.behind[REPORT_SCHEMA], name).as_string()
    return f"CREATE VIEW {view} AS {_NAMES.sub(moved, definition)}"


def _barrier(schema: str, name: str, limits: Limits) -> sql.Composed:
    """What the reader reads in place of a report or a table."""
    conditions = LISTS if schema == REPORT_SCHEMA else SEEN
    return sql.SQL("CREATE VIEW {} WITH (security_barrier) AS SELECT * FROM {} WHERE {}").format(
        sql.Identifier(limits.own[schema], name),
        sql.Identifier(limits.behind[schema], name),
        sql.SQL(conditions.get(name, "true")).format(rows=sql.Identifier(limits.rows)),
    )


def _grants(schema: str, names: list[str], role: str) -> list[sql.Composed]:
    reader, views = sql.Identifier(role), sql.SQL(", ").join(sql.Identifier(schema, name) for name in names)
    return [
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), reader),
        sql.SQL("GRANT SELECT ON {} TO {}").format(views, reader),
    ]


def _remark(limits: Limits, statements: list[str]) -> str:
    """The comment of the schema behind."""
    made = hashlib.sha256("".join(statements).encode()).hexdigest()[:12]
    kept = {"role": limits.role, **limits.given._asdict(), "tables": limits.tables, "made": made}
    return _MARK + json.dumps(kept, ensure_ascii=False)


def _kept(connection: Connection, limits: Limits) -> str | None:
    asked = "SELECT obj_description(to_regnamespace(quote_ident(%s)), 'pg_namespace')"
    (kept,) = connection.execute(asked, [limits.rows]).fetchone() or (None,)
    return None if kept is None else str(kept)


def _limits(kept: dict[str, object]) -> Limits:
    forms, projects = kept["forms"], kept["projects"]
    assert isinstance(forms, list)
    assert isinstance(projects, list)
    return Limits(str(kept["role"]), Given(tuple(forms), tuple(projects)), kept["tables"] is True)
