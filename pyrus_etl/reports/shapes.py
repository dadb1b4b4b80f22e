"""How the values of each field type are shown in a wide view: what is picked of a task's values, and made of it."""

from typing import NamedTuple

from psycopg import sql

from pyrus_etl.fields import FAMILIES, family_of

VALUE, ID = "value", "id"
"""What a column shows of its field."""


class Column(NamedTuple):
    """A column of a wide view that shows a field; `comment` is the field's full name."""

    name: str
    field_id: int
    field_type: str | None
    shows: str
    comment: str


TYPES = (*(name for family in FAMILIES for name in family.types), None)
"""The types that are known, and none of them."""


def has_id(field_type: str | None) -> bool:
    """Whether a field of this type has two columns: what people read, and the id behind it."""
    return family_of(field_type).id is not None


def picked(column: Column) -> sql.Composed:
    """The aggregate over a task's values, or those of a row, that picks what the column is made of."""
    family = family_of(column.field_type)
    pattern = family.id if column.shows == ID and family.id else family.picked
    only = sql.SQL("FILTER (WHERE field_id = {} AND field_type IS NOT DISTINCT FROM {})")
    return sql.SQL(pattern).format(only=only.format(sql.Literal(column.field_id), sql.Literal(column.field_type)))


def shown(column: Column, value: sql.Composable) -> sql.Composed:
    """What people read, made of the value that was picked."""
    return sql.SQL("{}" if column.shows == ID else family_of(column.field_type).shown).format(value)
