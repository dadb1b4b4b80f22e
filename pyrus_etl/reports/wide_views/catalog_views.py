"""The catalog views of `pyrus_report`: one view per catalog, one row per item, one column per column of the catalog.

Pyrus identifies a column of a catalog only by its header, and by a number if several have the same. So a column of a
view belongs to a header, wherever the catalog has it now; its name never changes, and new columns are appended.
"""

from collections import defaultdict
from collections.abc import Container, Sequence
from itertools import groupby
from operator import itemgetter
from typing import LiteralString, NamedTuple

from psycopg import sql

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.comments import Comments
from pyrus_etl.reports.in_the_way import taken_names
from pyrus_etl.reports.wide_views import names
from pyrus_etl.schema.metadata import REPORT_SCHEMA

OF_AN_ITEM: dict[str, tuple[LiteralString, str]] = {
    "item_id": ("item.item_id", "Id of the item; the columns …_id of the wide views of forms refer to it."),
    "external_id": ("item.external_id", "Id of the item in the source of the catalog."),
    "deleted": ("coalesce(item.deleted, false)", "Whether the item was deleted."),
}
"""The columns before those of the catalog: their expressions and comments."""
MOST_COLUMNS = 1500
"""Most columns of a catalog in its view; PostgreSQL allows 1,600 in all."""

_NAMES = "SELECT view_name FROM pyrus.report_catalogs ORDER BY view_name"
_VIEWS = """
    SELECT view_name, catalog_id, coalesce(nullif(name, ''), catalog_id::text)
    FROM pyrus.report_catalogs LEFT JOIN pyrus.catalogs USING (catalog_id) ORDER BY view_name
"""
_COLUMNS = """
    SELECT view_name, column_name, header, header_no FROM pyrus.report_catalog_columns ORDER BY view_name, column_no
"""
_SERVED: LiteralString = """
    SELECT catalog_id, coalesce(name, '') AS header,
           row_number() OVER (PARTITION BY catalog_id, coalesce(name, '') ORDER BY column_no)::integer AS header_no,
           column_no
    FROM pyrus.catalog_columns
"""
_UNNAMED: LiteralString = f"""
    SELECT view_name, served.header, served.header_no, served.column_no
    FROM ({_SERVED}) AS served JOIN pyrus.report_catalogs USING (catalog_id)
    LEFT JOIN pyrus.report_catalog_columns AS made USING (view_name, header, header_no)
    WHERE made.view_name IS NULL ORDER BY view_name, served.column_no
"""  # noqa: S608 -- constants
_WAITING: LiteralString = f"""
    SELECT count(*) FROM ({_SERVED}) AS served LEFT JOIN pyrus.report_catalogs USING (catalog_id)
    LEFT JOIN pyrus.report_catalog_columns AS made USING (view_name, header, header_no)
    WHERE made.view_name IS NULL AND served.column_no <= {MOST_COLUMNS}
"""  # noqa: S608 -- constants
_ADD_VIEW = "INSERT INTO pyrus.report_catalogs (view_name, catalog_id) VALUES (%s, %s)"
_ADD_COLUMN = """
    INSERT INTO pyrus.report_catalog_columns (view_name, column_no, column_name, header, header_no)
    VALUES (%s, %s, %s, %s, %s)
"""


class CatalogColumn(NamedTuple):
    """A column of a catalog view: the `header_no`-th column of the catalog with this header."""

    name: str
    header: str
    header_no: int


class CatalogView(NamedTuple):
    """The view of a catalog."""

    name: str
    catalog_id: int
    catalog: str
    columns: Sequence[CatalogColumn]

    @property
    def comments(self) -> Comments:
        question = f"What is in the catalog “{self.catalog}”? One row per item, also if it was deleted."
        of_front = {name: comment for name, (_, comment) in OF_AN_ITEM.items()}
        return Comments(question, of_front | {each.name: each.header or "Without a header" for each in self.columns})

    @property
    def definition(self) -> sql.Composed:
        front = {name: sql.SQL(expression) for name, (expression, _) in OF_AN_ITEM.items()}
        values = {each.name: _value(self.catalog_id, each) for each in self.columns}
        return sql.SQL("CREATE OR REPLACE VIEW {} AS SELECT {} FROM pyrus.catalog_items AS item WHERE {}").format(
            sql.Identifier(REPORT_SCHEMA, self.name),
            sql.SQL(", ").join(
                sql.SQL("{} AS {}").format(expression, sql.Identifier(name))
                for name, expression in (front | values).items()
            ),
            sql.SQL("item.catalog_id = {}").format(sql.Literal(self.catalog_id)),
        )


def _value(catalog_id: int, column: CatalogColumn) -> sql.Composed:
    """The item's text under a header. Its place is looked up by each query, because a catalog may be rearranged."""
    return sql.SQL(
        "item.values[(SELECT column_no FROM pyrus.catalog_columns WHERE catalog_id = {} AND coalesce(name, '') = {} "
        "ORDER BY column_no OFFSET {} LIMIT 1)]"
    ).format(sql.Literal(catalog_id), sql.Literal(column.header), sql.Literal(column.header_no - 1))


def view_names(connection: Connection) -> list[str]:
    """Returns the names of the catalog views; none if the schema is too old for them."""
    if connection.execute("SELECT to_regclass('pyrus.report_catalogs')").fetchone() == (None,):
        return []
    return [name for (name,) in connection.execute(_NAMES)]


def pattern() -> CatalogView:
    """Returns the view of a catalog with one column: all others are like it."""
    return CatalogView("catalog", 0, "", [CatalogColumn("column", "", 1)])


def wanted(connection: Connection) -> list[CatalogView]:
    """Returns the views that were named, with their columns."""
    rows = connection.execute(_COLUMNS).fetchall()
    columns = {view: [CatalogColumn(*rest) for _, *rest in same] for view, same in groupby(rows, itemgetter(0))}
    return [
        CatalogView(name, catalog_id, catalog, columns.get(name, []))
        for name, catalog_id, catalog in connection.execute(_VIEWS).fetchall()
    ]


def columns_without_column(connection: Connection) -> int:
    """Returns how many columns of catalogs have no column in a view yet."""
    (columns,) = connection.execute(_WAITING).fetchone() or (0,)
    return int(columns)


def fill(connection: Connection, reserved: Container[str]) -> dict[str, list[str]]:
    """Names new views and columns, inside the caller's transaction; returns the new columns by view."""
    _name_views(connection)
    named: defaultdict[str, list[str]] = defaultdict(list)
    for view, name, *_ in connection.execute(_COLUMNS):
        named[view].append(name)
    made: defaultdict[str, list[str]] = defaultdict(list)
    for view, header, header_no, column_no in connection.execute(_UNNAMED).fetchall():
        if len(named[view]) < MOST_COLUMNS:
            wished = names.column(header, f"column_{column_no}", reserved)
            name = names.unused(wished, {*OF_AN_ITEM, *named[view]})
            named[view].append(name)
            made[view].append(name)
            connection.execute(_ADD_COLUMN, [view, len(named[view]), name, header, header_no])
    return dict(made)


def _name_views(connection: Connection) -> None:
    """Names the views of catalogs that have none."""
    taken = taken_names(connection) | set(view_names(connection))
    new = connection.execute("""
        SELECT catalog_id, name FROM pyrus.catalogs LEFT JOIN pyrus.report_catalogs USING (catalog_id)
        WHERE view_name IS NULL ORDER BY catalog_id
    """)
    for catalog_id, catalog in new.fetchall():
        name = names.unused(f"catalog_{names.words(catalog, str(catalog_id))}", taken)
        taken.add(name)
        connection.execute(_ADD_VIEW, [name, catalog_id])
