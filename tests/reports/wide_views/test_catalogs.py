"""The views of catalogs: an item in a row, a column of the catalog in a column."""

from typing import Any

from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports import definitions
from pyrus_etl.reports.materialized import materialize
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import differences, upgrade
from pyrus_etl.reports.wide_views import wide
from pyrus_etl.reports.wide_views.catalogue import fields_without_column
from pyrus_etl.settings import Secret
from tests.reports.conftest import Reports
from tests.reports.test_views import COMMENTS, QUESTIONS

SUPPLIERS = 50


def store(reports: Reports, headers: list[str | None], *items: tuple[Any, ...], catalog_id: int = SUPPLIERS) -> None:
    """Stores the contents of a catalog, in place of those before; items are (id, external id, deleted, values)."""
    connection = reports.connection
    connection.execute(
        "INSERT INTO pyrus.catalogs (catalog_id, name) VALUES (%s, 'Поставщики') ON CONFLICT DO NOTHING", [catalog_id]
    )
    connection.execute("DELETE FROM pyrus.catalog_columns WHERE catalog_id = %s", [catalog_id])
    for number, header in enumerate(headers, start=1):
        connection.execute("INSERT INTO pyrus.catalog_columns VALUES (%s, %s, %s)", [catalog_id, number, header])
    for item_id, external_id, deleted, values in items:
        connection.execute(
            """
            INSERT INTO pyrus.catalog_items (catalog_id, item_id, external_id, deleted, values)
            VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (catalog_id, item_id) DO UPDATE SET values = EXCLUDED.values
            """,
            [catalog_id, item_id, external_id, deleted, values],
        )


def test_a_catalog_has_a_view_with_a_column_for_each_of_its_columns(reports: Reports) -> None:
    store(reports, ["Name", "ИНН", "Item id"], (2**40, 7, None, ["Acme", "77", None]), (2, None, True, ["Gone"]))

    assert refresh(reports.connection) == (
        ["catalog_postavshchiki"],
        ["catalog_postavshchiki"],
        {"catalog_postavshchiki": ["name", "inn", "item_id_2"]},
        [],
    )
    assert reports.ask("SELECT * FROM catalog_postavshchiki ORDER BY item_id") == [
        (2, None, True, "Gone", None, None),
        (2**40, 7, False, "Acme", "77", None),
    ]
    assert refresh(reports.connection).columns_made == {}


def test_a_column_follows_its_header_when_the_catalog_is_rearranged(reports: Reports) -> None:
    store(reports, ["Name", "Code"], (1, None, None, ["Acme", "A-1"]))
    refresh(reports.connection)
    store(reports, ["Code", "City", "Name"], (1, None, None, ["A-1", "Rome", "Acme"]))
    before = reports.ask("SELECT name, code FROM catalog_postavshchiki")
    refresh(reports.connection)
    store(reports, ["Name"], (1, None, None, ["Acme"]))

    assert before == [("Acme", "A-1")]
    assert reports.ask("SELECT name, code, city FROM catalog_postavshchiki") == [("Acme", None, None)]
    assert reports.ask("SELECT * FROM catalog_postavshchiki") == [(1, None, False, "Acme", None, None)]


def test_columns_with_the_same_header_or_none_are_told_apart(reports: Reports) -> None:
    store(reports, ["Name", "Name", None, "it's; %s {}"], (1, None, None, ["a", "b", "c", "d"]))
    refresh(reports.connection)

    assert reports.ask("SELECT name, name_2, column_3, its_s FROM catalog_postavshchiki") == [("a", "b", "c", "d")]


def test_catalogs_with_the_same_name_have_views_of_their_own(reports: Reports) -> None:
    store(reports, ["Name"])
    store(reports, ["Name"], (1, None, None, ["b"]), catalog_id=51)
    refresh(reports.connection)

    assert reports.ask("SELECT name FROM catalog_postavshchiki") == []
    assert reports.ask("SELECT name FROM catalog_postavshchiki_2") == [("b",)]


def test_the_view_of_a_catalog_is_created_and_dropped_like_the_others(reports: Reports, database: Secret) -> None:
    store(reports, ["Name"], (1, None, None, ["Acme"]))
    waiting = fields_without_column(reports.connection)
    refresh(reports.connection)
    materialize(reports.connection, "catalog_postavshchiki")
    reports.connection.execute("DROP VIEW pyrus_report.catalog_postavshchiki CASCADE")
    missing = [each.text for each in differences(database)]
    upgrade(database)

    assert (waiting, fields_without_column(reports.connection)) == (1, 0)
    assert missing == ["missing: report pyrus_report.catalog_postavshchiki"]
    assert reports.ask("SELECT name FROM catalog_postavshchiki") == [("Acme",)]
    with connect(database) as connection:
        definitions.drop(connection)
        assert wide.view_names(connection) == ["catalog_postavshchiki"]
        assert "catalog_postavshchiki" not in comments_of(reports)


def test_the_view_of_a_catalog_has_comments_on_everything(reports: Reports) -> None:
    store(reports, ["Name", None])
    refresh(reports.connection)

    assert [(view, column) for view, column, comment in reports.ask(COMMENTS) if not comment] == []
    assert comments_of(reports)["catalog_postavshchiki"].startswith("What is in the catalog “Поставщики”?")


def comments_of(reports: Reports) -> dict[str, str]:
    return dict(reports.ask(QUESTIONS))
