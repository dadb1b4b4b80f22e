"""How a wide view shows each field type: which of a task's values it selects, and how it displays them."""

from typing import NamedTuple

from psycopg import sql

from pyrus_etl.fields import FAMILIES, family_of

VALUE, ID = "value", "id"
"""What a column shows of its field: the value, or the id."""


class Column(NamedTuple):
    """A column of a wide view that shows a field; `comment` is the field's full name."""

    name: str
    field_id: int
    field_type: str | None
    shows: str
    comment: str


TYPES = (*(name for family in FAMILIES for name in family.types), None)
"""All known types, and None for any other."""


def has_id(field_type: str | None) -> bool:
    """Whether a field of this type has two columns: a readable value and its id."""
    return family_of(field_type).id is not None


def aggregate(column: Column) -> sql.Composed:
    """Returns the aggregate that selects the value of the column from those of a task or a row."""
    family = family_of(column.field_type)
    pattern = family.id if column.shows == ID and family.id else family.aggregate
    only = sql.SQL("FILTER (WHERE field_id = {} AND field_type IS NOT DISTINCT FROM {})")
    return sql.SQL(pattern).format(only=only.format(sql.Literal(column.field_id), sql.Literal(column.field_type)))


def display(column: Column, value: sql.Composable) -> sql.Composed:
    """Returns what readers see, made of the value of the aggregate."""
    return sql.SQL("{}" if column.shows == ID else family_of(column.field_type).display).format(value)
