"""The rows of the tables that belong to some forms and projects: a view of each table, with a condition.

Reports are made of these views, and barriers are around those that somebody may read (`limited`). Persons and projects
are all there, because reports look up the names of those that their rows mention; who reads these tables themselves
gets the ones that occur in the rows (`SEEN`).
"""

from collections.abc import Iterator
from typing import LiteralString, NamedTuple

from psycopg import sql
from sqlalchemy import Column
from sqlalchemy.dialects import postgresql

from pyrus_etl.schema.metadata import SCHEMA, metadata

OPEN = {"holidays", "report_settings", "sync_cursors", "working_hours", "working_periods"}
"""All rows: they say nothing of tasks."""
OF_A_TASK = {
    *(table.name for table in metadata.sorted_tables if table.info.get("owned")),
    "attachment_contents",
    "external_tasks",
    "file_copies",
    "inbox_tasks",
    "sync_errors",
    "task_sightings",
}
OF_A_FORM = {"form_choices", "form_fields", "form_steps", "forms", "service_levels"}
OF_A_CATALOG = {"catalog_columns", "catalog_items", "catalogs"}
RUN_COLUMNS = {"run_id", "account_id", "kind", "status", "started_at", "finished_at"}
"""The others count the tasks of all forms, or name tasks in errors: they are null."""

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

_SEEN_PERSONS: LiteralString = """
    SELECT author_id AS person_id FROM {rows}.tasks UNION SELECT responsible_id FROM {rows}.tasks
    UNION SELECT person_id FROM {rows}.task_participants UNION SELECT person_id FROM {rows}.task_subscribers
    UNION SELECT person_id FROM {rows}.approvals UNION SELECT person_id FROM {rows}.note_approvals
    UNION SELECT person_id FROM {rows}.note_persons
    UNION SELECT unnest(ARRAY[author_id, reassigned_to_id, user_id]) FROM {rows}.notes
    UNION SELECT value_person_id FROM {rows}.form_values WHERE value_person_id IS NOT NULL
    UNION SELECT value_person_id FROM {rows}.note_form_values WHERE value_person_id IS NOT NULL
"""
_SEEN_PROJECTS: LiteralString = """
    WITH RECURSIVE seen (project_id) AS (
        SELECT unnest({given}) UNION SELECT form_id FROM {rows}.tasks
        UNION SELECT project_id FROM {rows}.task_projects UNION SELECT project_id FROM {rows}.note_projects
        UNION SELECT value_project_id FROM {rows}.form_values WHERE value_project_id IS NOT NULL
        UNION SELECT value_project_id FROM {rows}.note_form_values WHERE value_project_id IS NOT NULL
        UNION SELECT item_id FROM {rows}.form_value_items WHERE kind = 'project'
    ), above AS (
        SELECT project_id FROM seen
      UNION
        SELECT parent_id FROM above JOIN {tables}.projects USING (project_id)
    )
    SELECT project_id FROM above
"""
_IN_PROJECTS: LiteralString = """
    task_id IN (
        WITH RECURSIVE below (project_id) AS (
            SELECT unnest({projects})
          UNION
            SELECT project.project_id FROM below JOIN {tables}.projects AS project ON parent_id = below.project_id
        )
        SELECT filed.task_id FROM {tables}.task_projects AS filed JOIN below USING (project_id)
    )
"""
SEEN: dict[str, LiteralString] = {
    "organizations": "organization_id IN (SELECT organization_id FROM {rows}.persons WHERE person_id IN "
    "(SELECT person_id FROM {rows}.seen_persons))",
    "persons": "person_id IN (SELECT person_id FROM {rows}.seen_persons)",
    "projects": "project_id IN (SELECT project_id FROM {rows}.seen_projects)",
    "roles": "role_id IN (SELECT person_id FROM {rows}.seen_persons)",
}
"""Table → the condition for those who read it."""
SHOWN = sorted(OPEN | OF_A_TASK | OF_A_FORM | OF_A_CATALOG | SEEN.keys() | {"sync_runs", "tasks"})
"""The tables that such a reader may read. Any other shows it no row."""


class Given(NamedTuple):
    """Ids of the forms and of the projects whose tasks a reader may see; those below a project count too."""

    forms: tuple[int, ...] = ()
    projects: tuple[int, ...] = ()


def views(rows: str, given: Given) -> Iterator[sql.Composed]:
    """The statements that create a view of each table in the schema `rows`, in their order."""
    conditions = _conditions(rows, given)
    last = sorted(OF_A_CATALOG)  # they need form_fields
    for name in ["tasks", *(name for name in conditions if name not in ("tasks", *last)), *last]:
        yield _view(rows, name, conditions[name])
    for helper, query in (("seen_persons", _SEEN_PERSONS), ("seen_projects", _SEEN_PROJECTS)):
        text = _filled(query, rows, given)
        yield sql.SQL("CREATE VIEW {} AS {}").format(sql.Identifier(rows, helper), text)


def _conditions(rows: str, given: Given) -> dict[str, sql.Composable]:
    """Which rows of each table are there."""
    in_forms: LiteralString = "form_id = ANY ({forms})"
    of_a_form = in_forms + (" OR form_id IN (SELECT form_id FROM {rows}.tasks)" if given.projects else "")  # noqa: S608
    found: dict[str, LiteralString] = dict.fromkeys((table.name for table in metadata.sorted_tables), "false")
    found |= dict.fromkeys((*OPEN, *SEEN, "sync_runs"), "true")
    found |= dict.fromkeys(OF_A_TASK, "task_id IN (SELECT task_id FROM {rows}.tasks)")
    found |= dict.fromkeys(OF_A_FORM, of_a_form)
    found |= dict.fromkeys(OF_A_CATALOG, "catalog_id IN (SELECT catalog_id FROM {rows}.form_fields)")
    found["tasks"] = in_forms + (" OR " + _IN_PROJECTS if given.projects else "")
    return {name: _filled(text, rows, given) for name, text in found.items()}


def _filled(text: LiteralString, rows: str, given: Given) -> sql.Composed:
    return sql.SQL(text).format(
        rows=sql.Identifier(rows),
        tables=sql.Identifier(SCHEMA),
        forms=_array(given.forms),
        projects=_array(given.projects),
        given=_array((*given.forms, *given.projects)),
    )


def _view(rows: str, name: str, condition: sql.Composable) -> sql.Composed:
    return sql.SQL("CREATE VIEW {} AS SELECT {} FROM {} WHERE {}").format(
        sql.Identifier(rows, name),
        sql.SQL(", ").join(map(_column, metadata.tables[f"{SCHEMA}.{name}"].columns)),
        sql.Identifier(SCHEMA, name),
        condition,
    )


def _column(column: Column[object]) -> sql.Composable:
    name = sql.Identifier(column.name)
    if column.table.name != "sync_runs" or column.name in RUN_COLUMNS:
        return name
    kind = sql.SQL(column.type.compile(dialect=_DIALECT))
    return sql.SQL("NULL::{} AS {}").format(kind, name)


def _array(ids: tuple[int, ...]) -> sql.Composable:
    return sql.SQL("{}::bigint[]").format(sql.Literal(list(ids)))
