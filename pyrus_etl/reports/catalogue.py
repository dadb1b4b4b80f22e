"""What the wide views are of, and how they are named: `report_views`. Their columns are named in `columns`.

A name that was given stays, whatever becomes of the form or the field, and new columns come behind the others: what
users built on a view goes on. Every function works inside the caller's transaction.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports import columns, names
from pyrus_etl.reports.columns import MOST_COLUMNS, Field
from pyrus_etl.schema.metadata import REPORT_SCHEMA

_FIELDS = """
    SELECT form_id, field_id, met.field_type, in_rows, field_name, parent_field_id
    FROM (
        SELECT form_id, field_id, value.field_type, row_id IS NOT NULL AS in_rows, min(value_no) AS value_no
        FROM pyrus.form_values AS value JOIN pyrus.tasks USING (task_id) WHERE form_id IS NOT NULL GROUP BY 1, 2, 3, 4
      UNION ALL
        SELECT form_id, field_id, field_type, in_rows, NULL FROM pyrus.form_fields
    ) AS met
    JOIN (SELECT form_id, field_id, field_name, parent_field_id FROM pyrus.form_fields) AS field
        USING (form_id, field_id)
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY form_id, min(value_no), field_id, field_type
"""
"""Every field with every type that its values have, in the order of the form."""
_WAITING = """
    SELECT count(*) FROM pyrus.form_fields AS field WHERE NOT EXISTS (
        SELECT FROM pyrus.report_views JOIN pyrus.report_columns AS made USING (view_name)
        WHERE form_id = field.form_id AND made.field_id = field.field_id
          AND made.field_type IS NOT DISTINCT FROM field.field_type
    ) AND NOT EXISTS (SELECT FROM pyrus.report_views WHERE form_id = field.form_id AND table_id = field.field_id)
      AND NOT EXISTS (
        SELECT FROM pyrus.report_views JOIN pyrus.report_columns USING (view_name)
        WHERE form_id = field.form_id AND column_no >= %s
    )
"""
"""Fields without a column, but for those of a form that has a full view: theirs would wait for ever."""
_RENAME = """
    UPDATE pyrus.report_columns AS made SET field_name = field.field_name
    FROM pyrus.report_views AS view JOIN pyrus.form_fields AS field USING (form_id)
    WHERE made.view_name = view.view_name AND made.field_id = field.field_id
      AND made.field_name IS DISTINCT FROM field.field_name
"""
_LONGEST_PREFIX = 40


class Place(NamedTuple):
    """What a wide view is of: a form, or a table in it."""

    form_id: int
    table_id: int | None = None


def waiting(connection: Connection) -> int:
    """How many fields have no column in a wide view yet."""
    (fields,) = connection.execute(_WAITING, [MOST_COLUMNS]).fetchone() or (0,)
    return int(fields)


def fill(connection: Connection) -> dict[str, list[str]]:
    """Names whatever has no name yet, and renews the full names; returns the new columns by view."""
    fields = [Field(*row) for row in connection.execute(_FIELDS)]
    views = _name_views(connection, fields)
    by_view: defaultdict[str, list[Field]] = defaultdict(list)
    tables = _tables(fields)
    for field in fields:
        if Place(field.form_id, field.field_id) not in views:  # the heading of a table is no field
            by_view[views[tables[field]]].append(field)
    made = columns.add(connection, by_view)
    connection.execute(_RENAME)
    return made


def _tables(fields: Sequence[Field]) -> dict[Field, Place]:
    """Where each field stands. A field in rows stands in the table above it, through sections in those rows."""
    above = {(field.form_id, field.field_id): field.parent_id for field in fields if field.in_rows}
    return {field: Place(field.form_id, _table(field, above) if field.in_rows else None) for field in fields}


def _table(field: Field, above: dict[tuple[int, int], int | None]) -> int:
    """The table that a field in rows stands in; 0 where Pyrus does not tell it, or tells a circle."""
    table, passed = field.parent_id, set[int]()
    while table is not None and (field.form_id, table) in above:
        if table in passed:
            return 0
        passed.add(table)
        table = above[field.form_id, table]
    return table or 0


def _name_views(connection: Connection, fields: Sequence[Field]) -> dict[Place, str]:
    """The wide views by what they are of; what has none yet gets a name, forms before their tables."""
    stored = connection.execute("SELECT form_id, table_id, view_name FROM pyrus.report_views")
    views = {Place(form_id, table_id): view for form_id, table_id, view in stored}
    there = connection.execute("SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace", [REPORT_SCHEMA])
    taken = {name for (name,) in there} | set(views.values())
    forms: dict[int, str | None] = dict(connection.execute("SELECT project_id, name FROM pyrus.projects").fetchall())
    titles = {(field.form_id, field.field_id): field.name for field in fields}
    places = {Place(field.form_id) for field in fields} | set(_tables(fields).values())
    for place in sorted(places - views.keys(), key=lambda place: (place.table_id is not None, place)):
        if place.table_id is None:
            name = f"form_{names.words(forms.get(place.form_id), str(place.form_id))}"
        else:
            title = names.words(titles.get((place.form_id, place.table_id)), f"rows_{place.table_id}")
            name = f"{views[Place(place.form_id)][:_LONGEST_PREFIX].rstrip('_')}_{title}"
        views[place] = names.unused(name, taken)
        taken.add(views[place])
        connection.execute(
            "INSERT INTO pyrus.report_views (form_id, table_id, view_name) VALUES (%s, %s, %s)", [*place, views[place]]
        )
    return views
