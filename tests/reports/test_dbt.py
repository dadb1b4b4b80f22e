"""The sources of a dbt project; `make dbt` tries them with dbt itself."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyrus_etl.reports.dbt import sources
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.yaml import document
from pyrus_etl.settings import Secret
from tests.reports.conftest import Reports
from tests.reports.world import INVOICES, task, value
from tests.runs import program

HOSTILE = "{{ env_var('HOME') }} {{{% raw %}\n  - name: \"it's\": {# no #} 'é\x85\u2028\ufeff\x7f😀\\ # {"
SHOWN_BY_JINJA = "{{ '{' }}"
DESCRIBED = """
    SELECT nspname, relname, obj_description(class.oid, 'pg_class'),
           json_object_agg(attname, col_description(class.oid, attnum)),
           json_object_agg(attname, format_type(atttypid, atttypmod))
    FROM pg_class AS class JOIN pg_namespace AS schema ON schema.oid = relnamespace
    JOIN pg_attribute ON attrelid = class.oid AND attnum > 0 AND NOT attisdropped
    WHERE nspname IN ('pyrus', 'pyrus_report') AND relkind IN ('r', 'v')
      AND relname NOT IN ('alembic_version', 'view_of_mine') GROUP BY 1, 2, 3
"""


def read_by_dbt(comment: str | None) -> str | None:
    """What is shown of a description; dbt turns these expressions into braces."""
    return None if comment is None else comment.replace(SHOWN_BY_JINJA, "{")


def tables(found: Any) -> Iterator[tuple[str, Any]]:
    for source in found["sources"]:
        yield from ((source["name"], table) for table in source["tables"])


@pytest.fixture
def hostile(reports: Reports) -> Reports:
    """A form and fields with a name that is YAML, Jinja and SQL, a table of it, and a view of the user's own."""
    form = INVOICES | {"Name": HOSTILE}
    cell = value(2, "Text", HOSTILE, "a cell", RowId=1, ParentFieldId=3)
    reports.load(task(1, "2026-03-02 09:00", Projects=[form], Form=[value(1, "Text", HOSTILE, "x"), cell]))
    reports.connection.execute("CREATE VIEW pyrus_report.view_of_mine AS SELECT 1 AS one")
    refresh(reports.connection)
    return reports


def test_the_sources_describe_every_table_and_column_as_the_database_does(hostile: Reports) -> None:
    text = document(sources(hostile.connection, timedelta(hours=36)))
    described = {(schema, name): rest for schema, name, *rest in hostile.ask(DESCRIBED)}

    assert {
        (schema, table["name"]): [
            read_by_dbt(table.get("description")),
            {column["name"]: read_by_dbt(column.get("description")) for column in table["columns"]},
            {column["name"]: column["data_type"] for column in table["columns"]},
        ]
        for schema, table in tables(yaml.safe_load(text))
    } == described
    wide = [rest for (_, name), rest in described.items() if name.startswith("form_")]
    assert sum(HOSTILE in (comment or "") for _, columns, _ in wide for comment in columns.values()) == 2
    assert not any(opening in text.replace(SHOWN_BY_JINJA, "") for opening in ("{{", "{%", "{#"))


def test_keys_are_tests(hostile: Reports) -> None:
    found = yaml.safe_load(document(sources(hostile.connection, timedelta(hours=36))))
    by_name = {f"{schema}.{table['name']}": table for schema, table in tables(found)}
    columns = {name: {column["name"]: column for column in table["columns"]} for name, table in by_name.items()}

    assert columns["pyrus.tasks"]["task_id"]["data_tests"] == ["not_null", "unique"]
    assert columns["pyrus.notes"]["task_id"]["data_tests"] == [
        "not_null",
        {"relationships": {"arguments": {"to": "source('pyrus', 'tasks')", "field": "task_id"}}},
    ]
    assert by_name["pyrus.notes"]["data_tests"] == [
        {"unique": {"name": "unique_pyrus_notes_key", "arguments": {"column_name": "(task_id, note_no)"}}}
    ]
    (rows,) = (name for name, table in columns.items() if "row_id" in table and name.startswith("pyrus_report.form_"))
    assert by_name[rows]["data_tests"][0]["unique"]["arguments"] == {"column_name": "(task_id, row_id)"}
    assert columns["pyrus_report.deleted_tasks"]["task_id"]["data_tests"] == ["not_null", "unique"], "nowhere else"


def test_the_age_of_the_data_is_that_of_the_last_good_run(hostile: Reports) -> None:
    found = yaml.safe_load(document(sources(hostile.connection, timedelta(hours=12))))
    configured = {f"{schema}.{table['name']}": table["config"] for schema, table in tables(found)}
    of_runs = {
        "loaded_at_field": "finished_at",
        "freshness": {
            "warn_after": {"count": 4, "period": "hour"},
            "error_after": {"count": 12, "period": "hour"},
            "filter": "status = 'ok' and kind in ('backfill', 'sync', 'reconcile')",
        },
    }

    assert configured["pyrus.sync_runs"] == configured["pyrus_report.sync_history"] == of_runs
    assert configured["pyrus.notes"] == {"loaded_at_field": "synced_at", "freshness": None}
    assert configured["pyrus.tasks"]["freshness"] == {"warn_after": {"count": 3, "period": "day"}}


def test_the_command_writes_a_file_or_to_stdout(database: Secret, tmp_path: Path) -> None:
    printed = program("dbt", "--out", "-", database=database)
    written = program("dbt", "--out", str(tmp_path), database=database)
    nowhere = program("dbt", "--out", str(tmp_path / "missing"), database=database)

    assert (tmp_path / "sources.yml").read_text(encoding="utf-8") == printed.stdout
    assert written.stdout.startswith(f"The sources are in {tmp_path}/sources.yml: ")
    assert nowhere.returncode == 2
    assert nowhere.stderr == (
        f"pyrus-etl: --out: {tmp_path}/missing/sources.yml cannot be written: No such file or directory; "
        "name another file.\n"
    )
