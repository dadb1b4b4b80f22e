"""How the values of each field type are shown in a wide view: what is picked of a task's values, and made of it."""

from typing import LiteralString, NamedTuple

from psycopg import sql

VALUE, ID = "value", "id"
"""What a column shows of its field."""


class Column(NamedTuple):
    """A column of a wide view that shows a field; `comment` is the field's full name."""

    name: str
    field_id: int
    field_type: str | None
    shows: str
    comment: str


class _Shape(NamedTuple):
    """`value` and `id` are aggregates, over the values of the field (`{only}`); `shown` makes text of the value."""

    value: LiteralString
    shown: LiteralString = "{}"
    id: LiteralString | None = None


_FIRST_JSON: LiteralString = "(array_agg(value_json) {only})[1]"
_TEXT = _Shape("max(value_text) {only}")
_NUMBER = _Shape("max(value_number) {only}")
_DATE = _Shape("max(value_date) {only}")
_TIMESTAMP = _Shape("max(value_timestamp) {only}")
_BOOL = _Shape("bool_or(value_bool) {only}")
_PERSON = _Shape(
    "max(value_person_id) {only}",
    "(SELECT name FROM pyrus_report.person_names WHERE person_id = {})",
    "max(value_person_id) {only}",
)
_ANYTHING = _Shape(_FIRST_JSON)

_SHAPES = {
    **dict.fromkeys(("Text", "Email", "Phone", "Note", "ActivityStatus"), _TEXT),
    **dict.fromkeys(("Number", "Decimal", "ApprovalStep"), _NUMBER),
    **dict.fromkeys(("Date", "DueDate"), _DATE),
    **dict.fromkeys(("ApprovalDate", "CreationDate"), _TIMESTAMP),
    **dict.fromkeys(("Checkmark", "Flag"), _BOOL),
    **dict.fromkeys(("Person", "Assignee", "Author", "ApprovalPerson"), _PERSON),
    "Time": _Shape("max(value_time) {only}"),
    "Title": _Shape("bool_or(value_json ->> 'Checkmark' = 'Checked') {only}"),
    "Project": _Shape(
        "max(value_project_id) {only}",
        "(SELECT name FROM pyrus.projects WHERE project_id = {})",
        "max(value_project_id) {only}",
    ),
    "Catalog": _Shape(
        _FIRST_JSON,
        "(SELECT string_agg(item #>> '{{}}', ', ') FROM jsonb_path_query({}, '$.CatalogItemValues[*]') AS item)",
        "max(value_catalog_item_id) {only}",
    ),
    "Files": _Shape(
        _FIRST_JSON, "(SELECT string_agg(file ->> 'Name', ', ') FROM jsonb_path_query({}, '$.Files[*]') AS file)"
    ),
    "FileUrls": _Shape(
        _FIRST_JSON, "(SELECT string_agg(file ->> 'Url', ', ') FROM jsonb_path_query({}, '$.FileUrls[*]') AS file)"
    ),
}

TYPES = (*_SHAPES, None)
"""The types that are shown in a way of their own, and none of them."""


def has_id(field_type: str | None) -> bool:
    """Whether a field of this type has two columns: what people read, and the id behind it."""
    return _shape(field_type).id is not None


def picked(column: Column) -> sql.Composed:
    """The aggregate over a task's values, or those of a row, that picks what the column is made of."""
    shape = _shape(column.field_type)
    pattern = shape.id if column.shows == ID and shape.id else shape.value
    only = sql.SQL("FILTER (WHERE field_id = {} AND field_type IS NOT DISTINCT FROM {})")
    return sql.SQL(pattern).format(only=only.format(sql.Literal(column.field_id), sql.Literal(column.field_type)))


def shown(column: Column, value: sql.Composable) -> sql.Composed:
    """What people read, made of the value that was picked."""
    return sql.SQL("{}" if column.shows == ID else _shape(column.field_type).shown).format(value)


def _shape(field_type: str | None) -> _Shape:
    return _SHAPES.get(field_type or "", _ANYTHING)
