"""The wide views of `pyrus_report`: one view per form, one column per field, as stored in `report_columns`.

The views of catalogs are created with them; see `catalog_views`.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import LiteralString, NamedTuple, Protocol

from psycopg import sql

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports import comments
from pyrus_etl.reports.comments import Comments
from pyrus_etl.reports.in_the_way import InTheWay, WideViewInTheWay
from pyrus_etl.reports.views import views
from pyrus_etl.reports.wide_views import catalog_views
from pyrus_etl.reports.wide_views.shapes import ID, TYPES, VALUE, Column, aggregate, display
from pyrus_etl.schema.metadata import REPORT_SCHEMA

Front = Mapping[str, tuple[LiteralString, str]]
"""The columns before the fields: their expressions and comments."""

OF_A_TASK: Front = {
    "task_id": ("task.task_id", "The task."),
    "text": ("task.text", "Text of the task."),
    "link": ("(SELECT task_url FROM pyrus.report_settings) || task.task_id", "Link to the task in Pyrus."),
    "author": (
        "(SELECT name FROM pyrus_report.person_names WHERE person_id = task.author_id)",
        "Name of the author.",
    ),
    "author_id": ("task.author_id", "Id of the author."),
    "responsible": (
        "(SELECT name FROM pyrus_report.person_names WHERE person_id = task.responsible_id)",
        "Name of the person responsible.",
    ),
    "responsible_id": ("task.responsible_id", "Id of the person responsible."),
    "create_date": ("task.create_date", "When the task was created."),
    "modified_date": ("task.modified_date", "When it last changed."),
    "due_date": ("task.due_date", "Day on which it is due, in UTC."),
    "close_date": (
        "CASE WHEN task.is_closed THEN task.close_date END",
        "When it was closed; null while it is open, and while the time of closing is not known.",
    ),
    "state": ("CASE WHEN task.is_closed THEN 'closed' ELSE 'open' END", "open or closed."),
}
OF_A_ROW: Front = {
    "task_id": ("task.task_id", "The task that the row belongs to."),
    "row_id": ("aggregated.row_id", "Number of the row, given by Pyrus; with task_id it is the key."),
}

_VIEWS = """
    SELECT view_name, view.form_id, table_id,
           coalesce(form.name, project.name, view.form_id::text), coalesce(field_name, table_id::text)
    FROM pyrus.report_views AS view LEFT JOIN pyrus.projects AS project ON project_id = view.form_id
    LEFT JOIN pyrus.forms AS form ON form.form_id = view.form_id
    LEFT JOIN pyrus.form_fields AS field ON field.form_id = view.form_id AND field_id = table_id
    ORDER BY view_name
"""
_COLUMNS = """
    SELECT view_name, column_name, field_id, made.field_type, shows,
           coalesce(nullif(made.field_name, ''), 'Field ' || field_id)
           || CASE shows WHEN 'id' THEN ', the id' ELSE '' END
           || CASE WHEN made.field_type <> field.field_type THEN ', while it was ' || made.field_type ELSE '' END
           || CASE WHEN removed_at IS NOT NULL THEN ', no longer in the form' ELSE '' END
    FROM pyrus.report_columns AS made JOIN pyrus.report_views USING (view_name)
    LEFT JOIN pyrus.form_fields AS field USING (form_id, field_id) ORDER BY view_name, column_no
"""


def view_names(connection: Connection) -> list[str]:
    """Returns the names of the wide views and of the views of catalogs; none if the schema is too old for them."""
    if connection.execute("SELECT to_regclass('pyrus.report_views')").fetchone() == (None,):
        return []
    forms = connection.execute("SELECT view_name FROM pyrus.report_views ORDER BY view_name")
    return [*catalog_views.view_names(connection), *(name for (name,) in forms)]


def reports(connection: Connection) -> list[str]:
    """Returns the names of all our reports: those of this version, and the wide views."""
    return [*views(), *view_names(connection)]


class _View(Protocol):
    """A view of a form, of a table in it, or of a catalog."""

    @property
    def name(self) -> str: ...
    @property
    def comments(self) -> Comments: ...
    @property
    def definition(self) -> sql.Composed: ...


class _Wide(NamedTuple):
    """The wide view of a form, or of a table in it."""

    name: str
    form_id: int
    table_id: int | None
    form_name: str
    table_name: str | None
    fields: list[Column]

    @property
    def front(self) -> Front:
        return OF_A_TASK if self.table_id is None else OF_A_ROW

    @property
    def comments(self) -> Comments:
        if self.table_id is None:
            question = f"What are the values of the form “{self.form_name}”? One row per task that is not deleted."
        else:
            place = f"the table “{self.table_name}” of the form “{self.form_name}”"
            question = f"What are the values of {place}? One row per row of the table."
        of_front = {name: comment for name, (_, comment) in self.front.items()}
        return Comments(question, of_front | {field.name: field.comment for field in self.fields})

    @property
    def definition(self) -> sql.Composed:
        query = _form_query if self.table_id is None else _table_query
        name = sql.Identifier(REPORT_SCHEMA, self.name)
        return sql.SQL("CREATE OR REPLACE VIEW {} AS {}").format(name, query(self.form_id, self.fields))


def pattern() -> str:
    """Returns the definitions of the views of a form, of a table in it, and of a catalog, with fields of all types."""
    fields = [Column(f"{shows}_{kind}", 0, kind, shows, "") for kind in TYPES for shows in (VALUE, ID)]
    forms: list[_View] = [_Wide("form", 0, table_id, "", "", fields) for table_id in (None, 0)]
    return ";".join(view.definition.as_string() for view in [*forms, catalog_views.pattern()])


def create(connection: Connection, *, changed_only: bool = False) -> None:
    """Creates or replaces all wide views and views of catalogs, inside the caller's transaction.

    With `changed_only`, only updates the comments of a view that has all its columns, which blocks none of its readers.
    Raises WideViewInTheWay if a view cannot be replaced in place.
    """
    existing = comments.present(connection) if changed_only else {}
    every: list[_View] = [*_wanted(connection), *catalog_views.wanted(connection)]
    for view in every:
        wanted, present = view.comments, existing.get(view.name)
        statements = comments.renewed(view.name, wanted, present)
        if present is None or present.columns.keys() != wanted.columns.keys():
            statements.insert(0, view.definition)
        if statements:
            _carry_out(connection, view.name, statements)


def _carry_out(connection: Connection, view: str, statements: list[sql.Composed]) -> None:
    """Sends all statements in one round trip."""
    try:
        connection.execute(sql.SQL(";").join(statements))
    except InTheWay as error:
        raise WideViewInTheWay(view, error) from error


def _wanted(connection: Connection) -> list[_Wide]:
    rows = connection.execute(_COLUMNS).fetchall()
    fields = {view: [Column(*rest) for _, *rest in same] for view, same in groupby(rows, itemgetter(0))}
    return [
        _Wide(name, form_id, table_id, form_name, table_name, fields.get(name, []))
        for name, form_id, table_id, form_name, table_name in connection.execute(_VIEWS).fetchall()
    ]


def _form_query(form_id: int, fields: list[Column]) -> sql.Composed:
    """One row per task. Values are aggregated per task, so that a query for some tasks reads only their values."""
    return sql.SQL(
        """
        SELECT {columns} FROM pyrus.tasks AS task CROSS JOIN LATERAL (
            SELECT {aggregates} FROM pyrus.form_values WHERE task_id = task.task_id AND row_id IS NULL
        ) AS aggregated
        WHERE task.form_id = {form_id} AND task.deleted_at IS NULL
        """
    ).format(
        columns=_columns(OF_A_TASK, fields),
        aggregates=_list([sql.SQL("count(*)"), *_aggregates(fields)]),  # a form may have no fields yet
        form_id=sql.Literal(form_id),
    )


def _table_query(form_id: int, fields: list[Column]) -> sql.Composed:
    """One row per row of a table in the form. A form may have several tables; the field ids identify this one."""
    return sql.SQL(
        """
        SELECT {columns} FROM pyrus.tasks AS task CROSS JOIN LATERAL (
            SELECT {aggregates} FROM pyrus.form_values
            WHERE task_id = task.task_id AND row_id IS NOT NULL AND field_id = ANY ({ids}::bigint[]) GROUP BY row_id
        ) AS aggregated
        WHERE task.form_id = {form_id} AND task.deleted_at IS NULL
        """
    ).format(
        columns=_columns(OF_A_ROW, fields),
        aggregates=_list([sql.SQL("row_id"), *_aggregates(fields)]),
        ids=sql.Literal(sorted({field.field_id for field in fields})),
        form_id=sql.Literal(form_id),
    )


def _aggregates(fields: list[Column]) -> Iterable[sql.Composable]:
    return (sql.SQL("{} AS {}").format(aggregate(field), _place(number)) for number, field in enumerate(fields))


def _columns(front: Front, fields: list[Column]) -> sql.Composed:
    expressions = {name: sql.SQL(expression) for name, (expression, _) in front.items()}
    values = {field.name: display(field, sql.SQL("aggregated.{}").format(_place(n))) for n, field in enumerate(fields)}
    return _list(
        sql.SQL("{} AS {}").format(expression, sql.Identifier(name))
        for name, expression in (expressions | values).items()
    )


def _place(number: int) -> sql.Identifier:
    """Returns the name of a field's value inside the view."""
    return sql.Identifier(f"value_{number}")


def _list(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)
