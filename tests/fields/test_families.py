"""Every family of field types: its values are read, shown in a wide view, and written as text, whichever API serves."""

from typing import Any

import pytest

from pyrus_etl.extract.v4.words import FIELD_TYPES
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
SHOWN = "SELECT it IS NOT NULL, value IS NOT NULL FROM form_f JOIN field_values USING (task_id)"


@pytest.mark.parametrize(
    "field_type", sorted(name for family in FAMILIES for name in family.types if name not in ONLY_V4)
)
def test_a_value_is_shown_in_a_wide_view_and_as_text(reports: Reports, field_type: str) -> None:  # noqa: F811
    field = {"Field": {"Id": 1, "Type": field_type, "Name": "it"}, **SERVED[field_type]}
    reports.load({"Id": 1, "Projects": [{"Id": 5, "Name": "F"}], "Form": [field]})
    refresh(reports.connection)

    assert reports.ask(SHOWN) == [(True, True)]


@pytest.mark.parametrize("field_type", sorted(FIELD_TYPES))
def test_a_value_of_api_v4_is_shown_too(reports: Reports, field_type: str) -> None:  # noqa: F811
    field = {"id": 1, "type": field_type, "name": "it", "value": SERVED_V4[field_type]}
    reports.connection.execute("INSERT INTO pyrus.projects (project_id, name) VALUES (5, 'F')")
    reports.load_v4({"id": 1, "form_id": 5, "list_ids": [5], "fields": [field]})
    refresh(reports.connection)

    assert reports.ask(SHOWN) == [(True, True)]
