"""Which wide views there are, and their names: `report_views`. Their columns are named in `columns`.

A name never changes, even if the form or the field is renamed, and new columns are appended: so the users' own views
keep working. Every function works inside the caller's transaction.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.in_the_way import taken_names
from pyrus_etl.reports.wide_views import catalog_views, columns, names
from pyrus_etl.reports.wide_views.columns import MOST_COLUMNS, Field

_FIELDS = """
    SELECT form_id, field_id, typed.field_type, in_rows, field_name, parent_field_id
    FROM (
        SELECT form_id, field_id, value.field_type, row_id IS NOT NULL AS in_rows, min(value_no) AS value_no
        FROM pyrus.form_values AS value JOIN pyrus.tasks USING (task_id) WHERE form_id IS NOT NULL GROUP BY 1, 2, 3, 4
      UNION ALL
        SELECT form_id, field_id, field_type, in_rows, NULL FROM pyrus.form_fields
    ) AS typed
    JOIN (
        SELECT form_id, field_id, field_name, parent_field_id,
               CASE WHEN removed_at IS NULL THEN position END AS position
        FROM pyrus.form_fields
    ) AS field USING (form_id, field_id)
    GROUP BY 1, 2, 3, 4, 5, 6, position ORDER BY form_id, position, min(value_no), field_id, field_type
"""
"""Every field with every type that it or its values have. The order is that of the form's definition; fields without a
place in it (API v3 has no definitions; the form may have dropped the field) come last, in the order of their values."""
_WITHOUT_COLUMN = """
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
"""Fields without a column, except those of a form whose view is full: they never get one."""
_RENAME = """
    UPDATE pyrus.report_columns AS made SET field_name = field.field_name
    FROM pyrus.report_views AS view JOIN pyrus.form_fields AS field USING (form_id)
    WHERE made.view_name = view.view_name AND made.field_id = field.field_id
      AND made.field_name IS DISTINCT FROM field.field_name
"""
_FORMS = """
    SELECT project_id, name FROM pyrus.projects UNION SELECT form_id, name FROM pyrus.forms
"""
_LONGEST_PREFIX = 40


class Place(NamedTuple):
    """The form of a wide view, or the table in the form."""

    form_id: int
    table_id: int | None = None


def fields_without_column(connection: Connection) -> int:
    """Returns how many fields of forms and columns of catalogs have no column in a view yet."""
    (fields,) = connection.execute(_WITHOUT_COLUMN, [MOST_COLUMNS]).fetchone() or (0,)
    return int(fields) + catalog_views.columns_without_column(connection)


def fill(connection: Connection) -> dict[str, list[str]]:
    """Names new views and columns, and updates the full names of fields; returns the new columns by view."""
    fields = [Field(*row) for row in connection.execute(_FIELDS)]
    views = _name_views(connection, fields)
    by_view: defaultdict[str, list[Field]] = defaultdict(list)
    tables = _tables(fields)
    for field in fields:
        if Place(field.form_id, field.field_id) not in views:  # the heading of a table is not a field
            by_view[views[tables[field]]].append(field)
    made = columns.add(connection, by_view)
    connection.execute(_RENAME)
    return made


def _tables(fields: Sequence[Field]) -> dict[Field, Place]:
    """Returns the form or table of each field. A field in rows belongs to the table above it, also through sections."""
    above = {(field.form_id, field.field_id): field.parent_id for field in fields if field.in_rows}
    return {field: Place(field.form_id, _table(field, above) if field.in_rows else None) for field in fields}


def _table(field: Field, above: dict[tuple[int, int], int | None]) -> int:
    """Returns the table of a field in rows; 0 if Pyrus does not give it, or gives a cycle."""
    table, seen = field.parent_id, set[int]()
    while table is not None and (field.form_id, table) in above:
        if table in seen:
            return 0
        seen.add(table)
        table = above[field.form_id, table]
    return table or 0


def _name_views(connection: Connection, fields: Sequence[Field]) -> dict[Place, str]:
    """Returns the names of the wide views; names the new ones, forms before their tables."""
    stored = connection.execute("SELECT form_id, table_id, view_name FROM pyrus.report_views")
    views = {Place(form_id, table_id): view for form_id, table_id, view in stored}
    taken = taken_names(connection) | set(views.values())
    forms: dict[int, str | None] = dict(connection.execute(_FORMS).fetchall())
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
