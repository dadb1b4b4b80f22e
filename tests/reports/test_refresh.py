"""When the reports are refreshed: one rule for `sync --refresh` and for `serve`."""

from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.materialized import materialize
from pyrus_etl.reports.refresh import refresh, refresh_if_due
from pyrus_etl.settings import Secret
from tests.reports.test_attached import A_FORM

CHANGES = [
    "INSERT INTO pyrus.form_fields (form_id, field_id, field_name, in_rows) VALUES (301, 9, 'City', false)",
    "UPDATE pyrus.form_fields SET field_name = 'Town' WHERE field_id = 9",
    "UPDATE pyrus.form_fields SET removed_at = now() WHERE field_id = 9",
    "INSERT INTO pyrus.forms (form_id, name, seen_at) VALUES (301, 'Bills', now())",
    "INSERT INTO pyrus.catalogs (catalog_id, name) VALUES (7, 'Streets')",
    "INSERT INTO pyrus.catalog_columns (catalog_id, column_no, name) VALUES (7, 1, 'Street')",
]


def test_a_refresh_is_due_when_a_form_or_a_catalog_has_changed(database: Secret) -> None:
    with connect(database) as connection:
        connection.execute(A_FORM)
        assert refresh_if_due(connection)
        for change in CHANGES:
            connection.execute(change.encode())
            assert refresh_if_due(connection), change
            assert refresh_if_due(connection) is None, change
        connection.execute(CHANGES[1].encode())
        refresh(connection)
        assert refresh_if_due(connection) is None


def test_rows_matter_only_to_materialised_reports(database: Secret) -> None:
    with connect(database) as connection:
        refresh(connection)
        assert refresh_if_due(connection, rows_changed=True) is None
        assert refresh_if_due(connection, everything=True)

        materialize(connection, "task_overview")
        assert refresh_if_due(connection) is None
        found = refresh_if_due(connection, rows_changed=True)
        assert found
        assert found.materialized == ["task_overview"]
