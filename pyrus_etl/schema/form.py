"""Values of form fields: current ones, and those that each note set."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Column, Date, Index, Numeric, Text, Time
from sqlalchemy.dialects.postgresql import JSONB

from pyrus_etl.schema.metadata import Timestamp, bigint, ordinal, owned_table
from pyrus_etl.schema.note import note_number


def _field_columns() -> list[Column[Any]]:
    return [
        ordinal("value_no", "Position of the value in the form or in the note, from 1."),
        bigint("field_id", "Id of the field in its form."),
        bigint("row_id", "Id of the row of the table field; null outside tables."),
        Column("field_type", Text, comment="Type of the field: Text, Decimal, Catalog, …"),
        Column("field_name", Text, comment="Name of the field as users see it."),
        bigint("parent_field_id", "Id of the table or section field that contains this field."),
    ]


def _value_columns() -> list[Column[Any]]:
    return [
        Column(
            "value_text",
            Text,
            comment="Text, Email, Phone, Note; the word of Checkmark, Flag, ActivityStatus; from API v4 also the names "
            "in Catalog, MultipleChoice and Project, and the subject of FormLink.",
        ),
        Column("value_number", Numeric, comment="Number, Decimal (money), ApprovalStep; exact."),
        Column("value_date", Date, comment="Date and DueDate, in UTC."),
        Column("value_timestamp", Timestamp, comment="DueDateTime, ApprovalDate and CreationDate."),
        Column("value_time", Time, comment="Time, in UTC."),
        Column("value_bool", Boolean, comment="Checkmark and Flag; null if the flag is not set either way."),
        bigint("value_person_id", "Person, Assignee, Author, ApprovalPerson: id of the person."),
        bigint("value_project_id", "Project: id of the project, or of the first of several."),
        bigint("value_catalog_item_id", "Catalog: id of the item; null if there are several."),
        Column(
            "value_json",
            JSONB,
            comment="What the other columns cannot hold: Catalog's values and headers, Title's checkmark, Files, the "
            "rows of a Table, the duration of a due date, and the value of an unknown type.",
        ),
    ]


form_values = owned_table(
    "form_values",
    *_field_columns(),
    *_value_columns(),
    Index(None, "field_id"),
    comment="One row per field of the task's form: the current values (TaskWithNotes.Form).",
)

note_form_values = owned_table(
    "note_form_values",
    note_number(),
    *_field_columns(),
    *_value_columns(),
    comment="One row per field that a note changed, with the value that it set (TaskNote.Form).",
)


form_value_items = owned_table(
    "form_value_items",
    ordinal("note_no", "Number of the note that set the value; 0 for the task's form."),
    ordinal("value_no", "Position of the value in the form or in the note; see form_values and note_form_values."),
    ordinal("item_no", "Position of the item in the value, from 1."),
    Column("kind", Text, nullable=False, comment="catalog, choice, task, file or project."),
    bigint("item_id", "Id of the item of a catalog, choice, task, file or project; null if Pyrus gives none."),
    Column("text", Text, comment="Text that users see: the first column of a catalog item, the name of anything else."),
    comment="One row per item in a value that refers to something: a catalog item, choice, task, file or project.",
)


class FormValueItemRow(NamedTuple):
    task_id: int
    note_no: int
    value_no: int
    item_no: int
    kind: str
    item_id: int | None
    text: str | None


class Value(NamedTuple):
    """The value columns; those that the field's type does not use are null."""

    value_text: str | None = None
    value_number: Decimal | int | None = None
    value_date: date | None = None
    value_timestamp: datetime | None = None
    value_time: time | None = None
    value_bool: bool | None = None
    value_person_id: int | None = None
    value_project_id: int | None = None
    value_catalog_item_id: int | None = None
    value_json: bytes | None = None


class Field(NamedTuple):
    """The columns that identify the field."""

    value_no: int
    field_id: int | None
    row_id: int | None
    field_type: str | None
    field_name: str | None
    parent_field_id: int | None
