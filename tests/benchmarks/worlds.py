"""Odd worlds for the reports: few rows of most kinds and very many of one, written directly into the tables.

Each is a list of statements with a size `{n}`, so that a test can compare a world with one twice as large. The same
size gives the same rows, except for their dates, which count back from now.
"""

from collections.abc import Mapping
from typing import Any

import psycopg

_PEOPLE = """
    INSERT INTO pyrus.persons (person_id, first_name, last_name)
    SELECT person, 'Person', to_char(person, 'FM000000') FROM generate_series(1, {people}) AS person
"""
_FORMS = """
    INSERT INTO pyrus.projects (project_id, name, parent_id)
    SELECT 900000 + form, 'Form ' || form, NULL FROM generate_series(1, 40) AS form
"""
_PROJECTS = """
    INSERT INTO pyrus.projects (project_id, name, parent_id)
    SELECT project, 'Project ' || project, {parent} FROM generate_series(1, {projects}) AS project
"""
_TASKS = """
    INSERT INTO pyrus.tasks (task_id, text, author_id, responsible_id, due_date, asap, create_date, modified_date,
                             close_date, parent_task_id, is_any_rejected, form_id, main_project_id,
                             is_closed, detail_at)
    SELECT task, 'Task ' || task, 1 + task % {people}, 1 + task * 7 % {people}, (created + interval '20 days')::date,
           task % 5 = 0, created, greatest(created, closed), closed, {family}, false, {form}, {project},
           closed IS NOT NULL, now()
    FROM generate_series(1, {tasks}) AS task
    CROSS JOIN LATERAL (SELECT date_trunc('hour', now()) - task * 7919 % 17520 * interval '1 hour' AS created) AS begun
    CROSS JOIN LATERAL (SELECT CASE WHEN task % 3 > 0 THEN {closed} END AS closed) AS ended
"""
_FILED = """
    INSERT INTO pyrus.task_projects (task_id, project_id, project_no)
    SELECT task_id, main_project_id, 1 FROM pyrus.tasks WHERE main_project_id IS NOT NULL
"""
_FILED_TWICE = """
    INSERT INTO pyrus.task_projects (task_id, project_id, project_no)
    SELECT task_id, 1 + task_id * (10 + place) % {projects}, place
    FROM pyrus.tasks CROSS JOIN generate_series(2, 3) AS place ON CONFLICT DO NOTHING
"""
_NOTES = """
    INSERT INTO pyrus.notes (task_id, note_no, author_id, create_date, text, reassigned_to_id, activity_action,
                             approval_choice, due_date_changed, due_date_removed, user_id)
    SELECT task_id, note_no, 1 + (task_id + note_no) % {people}, written, 'Note ' || note_no,
           CASE WHEN note_no % 5 = 2 THEN 1 + note_no * 31 % {people} END,
           CASE WHEN note_no = {notes} AND close_date IS NOT NULL THEN 'Complete' WHEN note_no % 10 = 4 THEN 'Complete'
                WHEN note_no % 10 = 5 THEN 'Reopen' END,
           {choice}, CASE WHEN note_no % 7 = 3 THEN written::date + 9 END, false, 1 + (task_id + note_no) % {people}
    FROM pyrus.tasks CROSS JOIN generate_series(1, {notes}) AS note_no
    CROSS JOIN LATERAL (
        SELECT create_date + (coalesce(close_date, now()) - create_date) * note_no / {notes} AS written
    ) AS at
"""
_CELLS = """
    INSERT INTO pyrus.note_form_values (task_id, note_no, value_no, field_id, row_id, field_type, field_name,
                                        value_text)
    SELECT task_id, note_no, cell, 1 + cell % 5, 1 + cell / 5, 'Text', 'Field ' || cell % 5, 'Value ' || note_no + cell
    FROM pyrus.notes CROSS JOIN generate_series(1, {cells}) AS cell
"""
_VALUES = """
    INSERT INTO pyrus.form_values (task_id, value_no, field_id, row_id, field_type, field_name, parent_field_id,
                                   value_text)
    SELECT task_id, place, {field}, {row}, 'Text', 'Field ' || {field}, {table}, 'Value ' || place
    FROM pyrus.tasks CROSS JOIN generate_series(1, {values}) AS place
"""
_FIELDS = """
    INSERT INTO pyrus.form_fields (form_id, field_id, field_type, field_name, parent_field_id, in_rows)
    SELECT DISTINCT form_id, field_id, field_type, field_name, parent_field_id, row_id IS NOT NULL
    FROM pyrus.form_values JOIN pyrus.tasks USING (task_id) WHERE form_id IS NOT NULL
"""
_APPROVALS = """
    INSERT INTO pyrus.approvals (task_id, step_no, approver_no, person_id, choice)
    SELECT task_id, step, place, {approver}, CASE WHEN step > {steps} / 2 THEN 'Waiting' ELSE 'Approved' END
    FROM pyrus.tasks CROSS JOIN generate_series(1, {steps}) AS step CROSS JOIN generate_series(1, {approvers}) AS place
"""
_ASKED = """
    INSERT INTO pyrus.note_approvals (task_id, note_no, change, step_no, approver_no, person_id, create_date)
    SELECT task_id, note_no, CASE WHEN note_no = 1 THEN 'added' ELSE 'rerequested' END, step, place, {approver},
           create_date
    FROM pyrus.notes CROSS JOIN generate_series(1, {steps}) AS step CROSS JOIN generate_series(1, {approvers}) AS place
    WHERE note_no % {every} = 1 OR {every} = 1
"""
_ATTACHED = """
    INSERT INTO pyrus.attachments (task_id, attachment_id, name, size_bytes, note_no)
    SELECT task_id, task_id * 100000 + note_no, 'File ' || note_no || '.pdf', 1000 * note_no, note_no FROM pyrus.notes
    WHERE note_no % 3 = 1
"""

_BASE: dict[str, str] = {
    "people": "50",
    "tasks": "10",
    "projects": "5",
    "parent": "NULL",
    "notes": "3",
    "cells": "5",
    "values": "5",
    "field": "1 + place",
    "row": "NULL::bigint",
    "table": "NULL::bigint",
    "form": "900001 + task % 40",
    "project": "1 + task % {projects}",
    "family": "NULL::bigint",
    "closed": "least(created + task % 40 * interval '1 day', now())",
    "choice": "CASE note_no % 4 WHEN 1 THEN 'Approved' WHEN 3 THEN 'Rejected' END",
    "steps": "2",
    "approvers": "2",
    "approver": "1 + (task_id + step + place) % {people}",
    "every": "2",
}
"""A small world; the odd ones override parts of it."""

WORLDS: Mapping[str, dict[str, str]] = {
    "many projects": {"tasks": "{n}", "projects": "({n} / 5)", "notes": "1"},
    "many projects in deep trees": {
        "tasks": "{n}",
        "projects": "({n} / 5)",
        "parent": "CASE WHEN project % 20 > 0 THEN project - 1 END",
        "notes": "1",
    },
    "one project": {"tasks": "{n}", "projects": "1", "form": "900001", "notes": "2"},
    "a chain of projects": {
        "tasks": "{n}",
        "projects": "({n} / 4)",
        "parent": "CASE WHEN project > 1 THEN project - 1 END",
    },
    "many cells": {"tasks": "2", "notes": "({n} / 100)", "cells": "100"},
    "many notes": {"tasks": "2", "notes": "{n}", "cells": "1"},
    "many approvers": {"tasks": "2", "notes": "{n}", "steps": "({n} / 20)", "approvers": "20", "every": "{n}"},
    "many rounds": {"tasks": "2", "notes": "{n}", "steps": "1", "approvers": "20", "every": "20"},
    "one approver asked often": {
        "tasks": "2",
        "notes": "{n}",
        "people": "3",
        "steps": "1",
        "approvers": "1",
        "approver": "1",
        "every": "2",
    },
    "one approver in many steps": {
        "tasks": "2",
        "notes": "{n}",
        "people": "3",
        "steps": "{n}",
        "approvers": "1",
        "approver": "1",
        "every": "{n}",
    },
    "many forms": {"tasks": "{n}", "form": "900001 + task % ({n} / 5)"},
    "many fields": {"tasks": "20", "values": "{n}", "form": "900001"},
    "a long table": {
        "tasks": "2",
        "values": "{n}",
        "field": "2 + place % 5",
        "row": "place / 5",
        "table": "1::bigint",
        "form": "900001",
    },
    "many persons": {"tasks": "{n}", "people": "({n} / 2)"},
    "a large family": {"tasks": "{n}", "family": "CASE WHEN task > 1 THEN 1 END::bigint"},
    "closed at the same instant": {"tasks": "{n}", "closed": "date_trunc('hour', now())"},
}
"""The overrides of each world; `n` is its number of rows of the kind that it has many of."""

_STATEMENTS = (
    _PEOPLE, _FORMS, _PROJECTS, _TASKS, _FILED, _FILED_TWICE, _NOTES, _CELLS, _VALUES, _FIELDS, _APPROVALS, _ASKED,
    _ATTACHED,
)  # fmt: skip


def build(connection: psycopg.Connection[Any], world: str, size: int) -> None:
    """Fills empty tables, and analyzes them."""
    values = _BASE | WORLDS[world]
    for _ in range(2):  # a value may contain the name of another
        values = {name: text.format_map({**values, "n": size}) for name, text in values.items()}
    with connection.transaction():
        for statement in _STATEMENTS:
            connection.execute(statement.format_map({**values, "n": size}).encode())
    connection.execute("ANALYZE")
