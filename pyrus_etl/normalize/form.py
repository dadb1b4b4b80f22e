"""Form values → rows."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pyrus_etl.model.form import FormField, FormValue, FormValues
from pyrus_etl.model.person import Person
from pyrus_etl.model.project import Project
from pyrus_etl.model.value import Due, FieldValue, Flag, Items, Other, Projects
from pyrus_etl.normalize.numbered import numbered
from pyrus_etl.normalize.person import add_person
from pyrus_etl.normalize.project import add_project
from pyrus_etl.schema.definition import FormFieldRow, form_fields
from pyrus_etl.schema.form import (
    FormValueItemRow,
    Value,
    form_value_items,
    form_values,
    note_form_values,
)
from pyrus_etl.schema.rows import FORM_ITEMS, Rows

Form = Sequence[FormValue | None] | None
Columns = tuple[Any, ...]
"""The columns of `Value`; a plain tuple, because a named one takes ten times as long to make."""


def add_form(rows: Rows, task_id: int, form: Form, form_id: int | None) -> None:
    """Adds the values of a task's form. If it is known which form that is, its fields are merged."""
    rows.claim(form_values, FORM_ITEMS)
    _count_unreadable(rows, form)
    value_rows = rows.owned[form_values] if form else []
    for value_no, value in numbered(form):
        if form_id is not None and value.field.id is not None:
            rows.merge(form_fields, _field_row(form_id, value.field, value.row_id is not None))
        value_rows.append((task_id, value_no, *_field_and_value(rows, value)))
        if isinstance(value.value, _WITH_ITEMS):
            _add_items(rows, (task_id, 0, value_no), value)


def add_note_form(rows: Rows, task_id: int, note_no: int, form: Form) -> None:
    """Adds the values that a note set."""
    _count_unreadable(rows, form)
    for value_no, value in numbered(form):
        rows.add(note_form_values, (task_id, note_no, value_no, *_field_and_value(rows, value)))
        if isinstance(value.value, _WITH_ITEMS):
            _add_items(rows, (task_id, note_no, value_no), value)


def _count_unreadable(rows: Rows, form: Form) -> None:
    if isinstance(form, FormValues):
        rows.unreadable += form.unreadable


@lru_cache(maxsize=4096)  # the same in every task of a form
def _field_row(form_id: int, field: FormField, in_rows: bool) -> FormFieldRow:
    assert field.id is not None, "a field without an id has no row"
    return FormFieldRow(form_id, field.id, field.type, field.name, field.parent_id, in_rows)


def _field_and_value(rows: Rows, value: FormValue) -> tuple[Any, ...]:
    """The columns of `Field` after its number, and of `Value`. A value that could not be read is counted."""
    rows.unreadable += value.unreadable
    field = value.field
    return (field.id, value.row_id, field.type, field.name, field.parent_id, *_columns(rows, value.value))


def _add_items(rows: Rows, key: tuple[int, int, int], value: FormValue) -> None:
    match value.value:
        case Items(kind, items):
            for item_no, item in numbered(items):
                rows.add(form_value_items, FormValueItemRow(*key, item_no, kind, item.id, item.text))
        case Projects(projects):
            for item_no, project in numbered(projects):
                rows.add(form_value_items, FormValueItemRow(*key, item_no, "project", project.id, project.name))
        case Project(id, name) if id is not None:
            rows.add(form_value_items, FormValueItemRow(*key, 1, "project", id, name))


def _columns(rows: Rows, value: FieldValue | None) -> Columns:
    """The column that holds a value of this kind; a person or project is merged, and referred to by its id."""
    # text, number, date, timestamp, time, bool, person, project, catalog item, json
    match value:
        case None:
            return None, None, None, None, None, None, None, None, None, None
        case str():
            return value, None, None, None, None, None, None, None, None, None
        case Decimal():
            return None, value, None, None, None, None, None, None, None, None
        case datetime():  # before date, of which it is a subclass
            return None, None, None, value, None, None, None, None, None, None
        case date():
            return None, None, value, None, None, None, None, None, None, None
        case time():
            return None, None, None, None, value, None, None, None, None, None
        case Flag():
            return value.word, None, None, None, None, value.is_set, None, None, None, None
        case Person():
            return None, None, None, None, None, None, add_person(rows, value), None, None, None
        case Project():
            return None, None, None, None, None, None, None, add_project(rows, value), None, None
        case Projects(projects):
            return _of_projects(rows, [project for project in projects if project])
        case Items():
            return value.text, None, None, None, None, None, None, None, _catalog_item(value), value.json
        case Due():
            return (*_columns(rows, value.at)[:-1], value.json)
        case Other():
            return None, None, None, None, None, None, None, None, None, value.json


def _of_projects(rows: Rows, projects: Sequence[Project]) -> Columns:
    """The names of the projects, and the id of the first."""
    names = [project.name for project in projects if project.name is not None]
    ids = [add_project(rows, project) for project in projects]
    return Value(", ".join(names) if names else None, value_project_id=ids[0] if ids else None)


def _catalog_item(value: Items) -> int | None:
    """The only item, if it is one of a catalog."""
    only = value.items[0] if value.kind == "catalog" and len(value.items) == 1 else None
    return only.id if only else None


_WITH_ITEMS = (Items, Project, Projects)
