"""Prints docs/tables.md from the declared tables: `make docs`. tests/cli/test_docs.py checks that it is up to date."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql

from pyrus_etl.schema import (
    SCHEMA,
    attachment,
    catalog,
    copy,
    definition,
    form,
    note,
    operation,
    outbox,
    person,
    progress,
    project,
    quota,
    raw,
    report,
    service,
    task,
    working,
)

SECTIONS = {
    "Tasks": (
        task.tasks,
        task.task_projects,
        task.approvals,
        task.task_participants,
        task.task_subscribers,
        task.task_steps,
        task.task_links,
        task.inbox_tasks,
        task.task_sightings,
        task.watched_tasks,
    ),
    "Notes": (note.notes, note.note_projects, note.note_approvals, note.note_persons),
    "Values of forms": (form.form_values, form.note_form_values, form.form_value_items),
    "Forms": (definition.forms, definition.form_steps, definition.form_fields, definition.form_choices),
    "Catalogs": (catalog.catalogs, catalog.catalog_columns, catalog.catalog_items),
    "Attachments": (attachment.attachments, attachment.attachment_contents),
    "Files at other services": (
        service.service_files,
        service.service_file_contents,
        copy.external_tasks,
        copy.file_copies,
    ),
    "Write-back": (outbox.outbox,),
    "People and projects": (person.persons, person.organizations, person.roles, person.role_members, project.projects),
    "Bodies as served": (raw.raw_tasks,),
    "Reports": (
        report.report_settings,
        report.form_overrides,
        report.report_views,
        report.report_columns,
        report.report_catalogs,
        report.report_catalog_columns,
        working.working_hours,
        working.holidays,
        working.working_periods,
        working.service_levels,
    ),
    "Operation": (
        operation.accounts,
        operation.sync_runs,
        progress.sync_cursors,
        operation.sync_errors,
        progress.sync_backfills,
        progress.sync_windows,
        progress.sync_feeds,
        operation.task_claims,
        operation.sync_arrivals,
        progress.sync_hints,
        operation.privacy_rules,
        operation.sync_leases,
        operation.sync_run_totals,
        operation.sync_alerts,
        quota.sync_quotas,
        quota.sync_quota_slices,
        progress.directory_sightings,
    ),
}

OUR_OWN = ("Files at other services", "Reports", "Operation")
"""Sections of tables that do not hold data of Pyrus; the diagram leaves them out."""

POINTERS = {
    "person_id": "persons",
    "author_id": "persons",
    "responsible_id": "persons",
    "reassigned_to_id": "persons",
    "value_person_id": "persons",
    "project_id": "projects",
    "value_project_id": "projects",
    "organization_id": "organizations",
    "parent_id": "projects",
    "parent_task_id": "tasks",
    "form_id": "projects",
}
"""Columns that refer to another table without a foreign key: Pyrus may name things before we have seen them."""

OPENING = f"""\
# Tables

`make docs` generates this page from `pyrus_etl/schema/`, which declares the tables. The database has the same comments
(`\\d+ {SCHEMA}.tasks` in psql). All tables are in the schema `{SCHEMA}`.

- Keys are natural: Pyrus's ids, and ordinals from 1 in the order of the API's arrays. `task_id` is the first part of
  the key of every table about a task.
- Times are `timestamptz`, dates `date`, amounts `numeric` without a limit: no digit is lost.
- When a task changes, everything that belongs to it is replaced. Persons, organizations, projects and the fields of
  forms are merged: a given value replaces the stored one, a missing value leaves it. With API v4, forms, lists,
  catalogs, members and roles are as last listed; what vanished is marked (`removed_at`, `lost_at`, `deleted`, `fired`).
- The only foreign key in the data of Pyrus is from a child to its task. Pyrus may name a person or a project before we
  have seen it.
"""

TYPES = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped


def page() -> Iterator[str]:
    """The lines of docs/tables.md."""
    yield OPENING
    yield from diagram()
    for title, tables in SECTIONS.items():
        yield f"\n## {title}"
        for table in tables:
            yield from section(table)


def diagram() -> Iterator[str]:
    """The tables that hold data of Pyrus, and their relations."""
    served = [table for title, tables in SECTIONS.items() if title not in OUR_OWN for table in tables]
    yield "```mermaid\nerDiagram"
    for table in served:
        for column in table.columns:
            if column.foreign_keys:
                many = "o{" if len(table.primary_key) > 1 else "o|"
                yield f"    tasks ||--{many} {table.name} : {column.name}"
            elif (other := POINTERS.get(column.name)) and not (column.primary_key and other == table.name):
                yield f"    {other} |o..o{{ {table.name} : {column.name}"
    for table in served:
        yield f"    {table.name} {{"
        for column in table.columns:
            if column.primary_key:
                yield f"        {short_type(column)} {column.name} PK"
        yield "    }"
    yield "```"


def section(table: Table) -> Iterator[str]:
    """One table: its comment, its columns, its indexes."""
    yield f"\n### {table.name}\n\n{table.comment}\n"
    yield "| column | type | |\n|---|---|---|"
    for column in table.columns:
        name = f"**{column.name}**" if column.primary_key else column.name
        needed = "" if column.nullable or column.primary_key else " not null"
        yield f"| {name} | {short_type(column)}{needed} | {column.comment} |"
    if table.indexes:
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        yield "\nIndexes: " + ", ".join(f"({', '.join(index.columns.keys())})" for index in indexes) + "."


def short_type(column: Column[Any]) -> str:
    """The type as PostgreSQL's users spell it."""
    spelled = column.type.compile(dialect=TYPES).lower()
    return {"timestamp with time zone": "timestamptz", "time without time zone": "time"}.get(spelled, spelled)


if __name__ == "__main__":
    print("\n".join(page()))
