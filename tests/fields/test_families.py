"""Every family of field types: its values are read, shown in a wide view, and written as text, whichever API serves."""

from typing import Any

from pyrus_etl.extract.v4.wire.words import FIELD_TYPES
from pyrus_etl.fields import FAMILIES
from pyrus_etl.reports.refresh import refresh
from tests.extract.v3.test_fields import CASES, ONLY_V4
from tests.extract.v4.test_fields import CASES as CASES_V4
from tests.oracle import Json
from tests.reports.conftest import Reports, reports  # noqa: F401 -- a fixture

SERVED: dict[str, Json] = {kind: served for kind, served, columns in reversed(CASES) if columns} | {
    "Catalog": {"CatalogItemId": 5, "CatalogItemValues": ["a", "b"]},
    "Files": {"Files": [{"Id": 1, "Name": "a.pdf"}]},
    "FileUrls": {"FileUrls": [{"Url": "https://files.example/1"}]},
    "Flag": {"Flag": "Checked"},
    "Project": {"Project": {"Id": 9, "Name": "P"}},
}
"""A value of each type that can be shown."""
SERVED_V4: dict[str, Any] = {kind: served for kind, served, columns in reversed(CASES_V4) if columns} | {
    "catalog": {"item_id": 5, "rows": [["a", "b"]]},
    "flag": "checked",
}
"""The same in API v4."""
V3_TYPES = sorted(name for family in FAMILIES for name in family.types if name not in ONLY_V4)


def test_every_value_is_shown_in_a_wide_view_and_as_text(reports: Reports) -> None:  # noqa: F811
    for number, field_type in enumerate(V3_TYPES, 1):
        field = {"Field": {"Id": number, "Type": field_type, "Name": f"it {number}"}, **SERVED[field_type]}
        reports.load({"Id": number, "Projects": [{"Id": 5, "Name": "F"}], "Form": [field]})

    assert_shown(reports, V3_TYPES)


def test_every_value_of_api_v4_is_shown_too(reports: Reports) -> None:  # noqa: F811
    reports.connection.execute("INSERT INTO pyrus.projects (project_id, name) VALUES (5, 'F')")
    for number, field_type in enumerate(sorted(FIELD_TYPES), 1):
        field = {"id": number, "type": field_type, "name": f"it {number}", "value": SERVED_V4[field_type]}
        reports.load_v4({"id": number, "form_id": 5, "list_ids": [5], "fields": [field]})

    assert_shown(reports, sorted(FIELD_TYPES))


def assert_shown(reports: Reports, field_types: list[str]) -> None:  # noqa: F811
    """The task with the number of a type has a value of it in the form's view and in field_values."""
    refresh(reports.connection)
    rows = ", ".join(f"({number}, it_{number} IS NOT NULL)" for number in range(1, len(field_types) + 1))
    shown = f"SELECT number FROM form_f, LATERAL (VALUES {rows}) AS it (number, shown) WHERE number = task_id AND shown"
    written = "SELECT task_id FROM field_values WHERE value IS NOT NULL"

    assert named(reports.ask(shown), field_types) == field_types
    assert named(reports.ask(written), field_types) == field_types


def named(numbers: list[tuple[Any, ...]], field_types: list[str]) -> list[str]:
    return [field_types[number - 1] for (number,) in sorted(numbers)]
