"""Form values → rows."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from pyrus_etl.model.form import FormValue, FormValues
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


def add_form(rows: Rows, task_id: int, form: Form, form_id: int | None) -> None:
    """Adds the values of a task's form. If it is known which form that is, its fields are merged."""
    rows.claim(form_values, FORM_ITEMS)
    _count_unreadable(rows, form)
    for value_no, value in numbered(form):
        if form_id is not None and value.field.id is not None:
            rows.merge(form_fields, _field_row(form_id, value.field.id, value))
        rows.add(form_values, (task_id, *_value_row(rows, value_no, value)))
        if isinstance(value.value, _WITH_ITEMS):
            _add_items(rows, (task_id, 0, value_no), value)


def add_note_form(rows: Rows, task_id: int, note_no: int, form: Form) -> None:
    """Adds the values that a note set."""
    _count_unreadable(rows, form)
    for value_no, value in numbered(form):
        rows.add(note_form_values, (task_id, note_no, *_value_row(rows, value_no, value)))
        if isinstance(value.value, _WITH_ITEMS):
            _add_items(rows, (task_id, note_no, value_no), value)


def _count_unreadable(rows: Rows, form: Form) -> None:
    if isinstance(form, FormValues):
        rows.unreadable += form.unreadable


def _field_row(form_id: int, field_id: int, value: FormValue) -> FormFieldRow:
    field, in_rows = value.field, value.row_id is not None
    return FormFieldRow(form_id, field_id, field.type, field.name, field.parent_id, in_rows)


def _value_row(rows: Rows, value_no: int, value: FormValue) -> tuple[Any, ...]:
    """The columns of `Field` and `Value`. A value that could not be read is null, and is counted."""
    rows.unreadable += value.unreadable
    field = value.field
    columns = _columns(rows, value.value)
    return (value_no, field.id, value.row_id, field.type, field.name, field.parent_id, *columns)


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


def _columns(rows: Rows, value: FieldValue | None) -> Value:
    """The column that holds a value of this kind; a person or project is merged, and referred to by its id."""
    match value:
        case None:
            return _EMPTY
        case str():
            return Value(value_text=value)
        case Decimal():
            return Value(value_number=value)
        case datetime():  # before date, of which it is a subclass
            return Value(value_timestamp=value)
        case date():
            return Value(value_date=value)
        case time():
            return Value(value_time=value)
        case Flag():
            return Value(value_text=value.word, value_bool=value.is_set)
        case Person():
            return Value(value_person_id=add_person(rows, value))
        case Project():
            return Value(value_project_id=add_project(rows, value))
        case Projects(projects):
            return _of_projects(rows, [project for project in projects if project])
        case Items(kind, items):
            only = items[0] if kind == "catalog" and len(items) == 1 else None
            return Value(value.text, value_catalog_item_id=only.id if only else None, value_json=value.json)
        case Due():
            return _columns(rows, value.at)._replace(value_json=value.json)
        case Other():
            return Value(value_json=value.json)


def _of_projects(rows: Rows, projects: Sequence[Project]) -> Value:
    """The names of the projects, and the id of the first."""
    names = [project.name for project in projects if project.name is not None]
    ids = [add_project(rows, project) for project in projects]
    return Value(", ".join(names) if names else None, value_project_id=ids[0] if ids else None)


_EMPTY = Value()
_WITH_ITEMS = (Items, Project, Projects)
