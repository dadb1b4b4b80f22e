"""The columns of the wide views, `report_columns`: the field that each one shows, and its name."""

import logging
from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.wide_views import names
from pyrus_etl.reports.wide_views.shapes import ID, VALUE, has_id
from pyrus_etl.reports.wide_views.wide import OF_A_ROW, OF_A_TASK

MOST_COLUMNS = 1500
"""Most columns of fields in one view. PostgreSQL allows 1,600 columns in all.

https://www.postgresql.org/docs/current/limits.html
"""

log = logging.getLogger(__name__)

_ADD_COLUMN = """
    INSERT INTO pyrus.report_columns (view_name, column_no, column_name, field_id, field_type, shows, field_name)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


class Field(NamedTuple):
    """A field of a form, with one of the types that it has or had."""

    form_id: int
    field_id: int
    field_type: str | None
    in_rows: bool
    name: str | None
    parent_id: int | None


class _NewColumn(NamedTuple):
    """A row of report_columns."""

    view_name: str
    column_no: int
    column_name: str
    field_id: int
    field_type: str | None
    shows: str
    field_name: str | None


_Shown = tuple[int, str | None, str]
"""What a column shows: a field, the type that it has or had, and its value or id."""


def add(connection: Connection, fields_by_view: Mapping[str, Sequence[Field]]) -> dict[str, list[str]]:
    """Adds columns for fields that have none; returns their names by view.

    Columns beyond MOST_COLUMNS in a view are left out, with a warning.
    """
    named, reserved = _named(connection), reserved_words(connection)
    new = [
        column
        for view, fields in fields_by_view.items()
        for column in _new_columns(view, fields, named[view], reserved)
    ]
    made = [column for column in new if column.column_no <= MOST_COLUMNS]
    with connection.cursor() as cursor:
        cursor.executemany(_ADD_COLUMN, made)
    _warn_of_left_out(connection, Counter(column.view_name for column in new if column.column_no > MOST_COLUMNS))
    return {view: [column.column_name for column in same] for view, same in groupby(made, attrgetter("view_name"))}


def _named(connection: Connection) -> defaultdict[str, dict[_Shown, str]]:
    """The names of the columns of each view."""
    named: defaultdict[str, dict[_Shown, str]] = defaultdict(dict)
    query = "SELECT view_name, column_name, field_id, field_type, shows FROM pyrus.report_columns"
    for view, name, *key in connection.execute(query):
        named[view][*key] = name
    return named


def reserved_words(connection: Connection) -> set[str]:
    """Returns words that need quotes as column names, and those that a materialized view cannot have as columns."""
    words = """
        SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')
        UNION SELECT attname FROM pg_attribute WHERE attrelid = 'pyrus.tasks'::regclass AND attnum < 0
    """
    return {word for (word,) in connection.execute(words)}


def _new_columns(
    view: str, fields: Sequence[Field], named: dict[_Shown, str], reserved: Container[str]
) -> list[_NewColumn]:
    """Returns columns for the fields that have none, after the existing ones; maybe more than a view can have."""
    known, taken = len(named), {*OF_A_TASK, *OF_A_ROW, *named.values()}
    new = list[_NewColumn]()
    for field in fields:
        for shows in (VALUE, ID) if has_id(field.field_type) else (VALUE,):
            key = (field.field_id, field.field_type, shows)
            if key in named:
                continue
            value = named.get((field.field_id, field.field_type, VALUE))
            name = names.unused(f"{value}_id", taken) if shows == ID else _value_name(field, taken, reserved)
            named[key] = name
            taken.add(name)
            new.append(_NewColumn(view, known + len(new) + 1, name, *key, field.name))
    return new


def _value_name(field: Field, taken: Container[str], reserved: Container[str]) -> str:
    """Returns a free name for the value; if the field has an id too, the name plus `_id` is also free."""
    endings = ("_id",) if has_id(field.field_type) else ()
    return names.unused(names.column(field.name, f"field_{field.field_id}", reserved), taken, *endings)


def _warn_of_left_out(connection: Connection, left_out: Mapping[str, int]) -> None:
    query = """
        SELECT coalesce(nullif(name, ''), form_id::text)
        FROM pyrus.report_views LEFT JOIN pyrus.projects ON project_id = form_id WHERE view_name = %s
    """
    for view, columns in left_out.items():
        (form,) = connection.execute(query, [view]).fetchone() or ("",)
        log.warning(
            "the form “%s” has more fields than a view can show: %d columns are left out of %s", form, columns, view
        )
