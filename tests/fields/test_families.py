"""Every family of field types: its values are read, shown in a wide view, and written as text."""

import pytest

from pyrus_etl.fields import FAMILIES
from pyrus_etl.reports.refresh import refresh
from tests.extract.v3.test_fields import CASES
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


@pytest.mark.parametrize("field_type", sorted(name for family in FAMILIES for name in family.types))
def test_a_value_is_shown_in_a_wide_view_and_as_text(reports: Reports, field_type: str) -> None:  # noqa: F811
    field = {"Field": {"Id": 1, "Type": field_type, "Name": "it"}, **SERVED[field_type]}
    reports.load({"Id": 1, "Projects": [{"Id": 5, "Name": "F"}], "Form": [field]})
    refresh(reports.connection)

    assert reports.ask("SELECT it IS NOT NULL, value IS NOT NULL FROM form_f JOIN field_values USING (task_id)") == [
        (True, True)
    ]
