"""A form field type → the columns that its value fills: cases, input and expected side by side."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from pyrus_etl.extract.v3.fields import READERS
from pyrus_etl.fields import FAMILIES
from tests.normalize.reading import encoded, form_body, only_value, read
from tests.oracle import Json

DOCUMENTED = {
    *("Unknown", "Catalog", "FileUrls", "Files", "ApprovalStep", "Phone", "Checkmark", "Note", "Time", "Assignee"),
    *("Author", "ApprovalPerson", "ApprovalDate", "ActivityStatus", "DueDate", "CreationDate", "Title", "Date"),
    *("Person", "Project", "Decimal", "Number", "Flag", "Text", "Email", "ExternalFormAuthor"),
}
ONLY_V4 = {"DueDateTime", "MultipleChoice", "FormLink", "Table"}
FORTY = "1234567890123456789012345678901234567890"

CASES: list[tuple[str, Json, Json]] = [
    # type, served value, the columns that are not null
    ("Text", {"Text": "plain"}, {"value_text": "plain"}),
    ("Text", {"Text": ""}, {"value_text": ""}),
    ("Text", {"Text": "t", "Note": "another's"}, {"value_text": "t"}),
    ("Email", {"Email": "a@b.example"}, {"value_text": "a@b.example"}),
    ("ActivityStatus", {"ActivityStatus": "Opened"}, {"value_text": "Opened"}),
    ("Note", {"Tooltip": "read me"}, {"value_text": "read me"}),
    ("Note", {"Note": "not its property"}, {}),
    ("Phone", {"Phone": {"Prefix": "+7", "Number": "900"}}, {"value_text": "+7 900"}),
    ("Phone", {"Phone": {"Prefix": "", "Number": "900"}}, {"value_text": "900"}),
    ("Phone", {"Phone": {"Prefix": "+7"}}, {"value_text": "+7"}),
    ("Phone", {"Phone": {"Prefix": None, "Number": None}}, {}),
    ("Phone", {"Phone": {}}, {}),
    ("Checkmark", {"Checkmark": "Checked"}, {"value_text": "Checked", "value_bool": True}),
    ("Checkmark", {"Checkmark": "Unchecked"}, {"value_text": "Unchecked", "value_bool": False}),
    ("Checkmark", {"Checkmark": "Smudged"}, {"value_text": "Smudged"}),
    ("Flag", {"Flag": "None"}, {"value_text": "None"}),
    ("Flag", {"Flag": "Checked"}, {"value_text": "Checked", "value_bool": True}),
    ("Flag", {"Flag": "Unchecked"}, {"value_text": "Unchecked", "value_bool": False}),
    ("Number", {"Number": 0}, {"value_number": Decimal(0)}),
    ("Number", {"Number": 2**63}, {"value_number": Decimal(2**63)}),
    ("Number", {"Number": Decimal("1E-7")}, {"value_number": Decimal("0.0000001")}),
    ("Decimal", {"Decimal": Decimal(f"{FORTY}.{FORTY}")}, {"value_number": Decimal(f"{FORTY}.{FORTY}")}),
    ("Decimal", {"Decimal": int(FORTY)}, {"value_number": Decimal(FORTY)}),
    ("Decimal", {"Decimal": Decimal("-1.5E+300")}, {"value_number": Decimal("-1.5E+300")}),
    ("Decimal", {"Decimal": Decimal("1E+200000")}, {}),
    ("Decimal", {"Decimal": Decimal("1E-20000")}, {}),
    ("ApprovalStep", {"ApprovalStep": 3}, {"value_number": Decimal(3)}),
    ("Date", {"Date": "/Date(1709164800000)/"}, {"value_date": date(2024, 2, 29)}),
    ("DueDate", {"DueDate": "/Date(-86400000)/"}, {"value_date": date(1969, 12, 31)}),
    ("Date", {"Date": "2024-02-29"}, {}),
    ("ApprovalDate", {"ApprovalDate": "/Date(1)/"}, {"value_timestamp": datetime(1970, 1, 1, 0, 0, 0, 1000, UTC)}),
    ("CreationDate", {"CreationDate": "/Date(0-0500)/"}, {"value_timestamp": datetime(1970, 1, 1, tzinfo=UTC)}),
    ("Time", {"Time": {"UtcHour": 0, "UtcMinute": 0}}, {"value_time": time(0, 0)}),
    ("Time", {"Time": {"UtcHour": 23, "UtcMinute": 59}}, {"value_time": time(23, 59)}),
    ("Time", {"Time": {"UtcHour": 24, "UtcMinute": 0}}, {}),
    ("Time", {"Time": {"UtcHour": -1, "UtcMinute": 0}}, {}),
    ("Time", {"Time": {}}, {}),
    ("Person", {"Person": {"Id": 2**53 + 1}}, {"value_person_id": 2**53 + 1}),
    ("Person", {"Person": {"LastName": "nobody"}}, {}),
    ("Assignee", {"Assignee": {"Id": 7}}, {"value_person_id": 7}),
    ("Author", {"Author": {"Id": 7}}, {"value_person_id": 7}),
    ("ApprovalPerson", {"ApprovalPerson": {"Id": 7}}, {"value_person_id": 7}),
    ("Project", {"Project": {"Id": 9, "Parent": {"Id": 8}}}, {"value_project_id": 9}),
    ("Catalog", {"CatalogItemId": 5}, {"value_catalog_item_id": 5}),
    ("Catalog", {"CatalogItemValues": ["a"]}, {"value_json": {"CatalogItemValues": ["a"]}}),
    (
        *("Catalog", {"CatalogItemId": 5, "CatalogItemValues": ["a", None], "CatalogHeaders": None}),
        {"value_catalog_item_id": 5, "value_json": {"CatalogItemValues": ["a", None]}},
    ),
    ("Title", {}, {}),
    ("Title", {"Rows": [], "Checkmark": "Unchecked"}, {"value_json": {"Rows": [], "Checkmark": "Unchecked"}}),
    ("Files", {"Files": [{"Id": 1}]}, {"value_json": {"Files": [{"Id": 1}]}}),
    ("FileUrls", {"FileUrls": ["https://a.example"]}, {"value_json": {"FileUrls": ["https://a.example"]}}),
    ("ExternalFormAuthor", {"ExternalFormAuthor": "x@y.eu"}, {"value_json": {"ExternalFormAuthor": "x@y.eu"}}),
    ("Unknown", {"Unknown": False}, {"value_json": {"Unknown": False}}),
    ("text", {"text": "types are spelled as documented"}, {"value_json": {"text": "types are spelled as documented"}}),
    ("X", {"A": Decimal("1.1"), "B": None, "C": {"D": None}}, {"value_json": {"A": Decimal("1.1"), "C": {"D": None}}}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "served", "columns"), CASES)
def test_a_type_fills_its_columns_and_no_others(kind: str, served: Json, columns: Json) -> None:
    body = form_body(Field={"Id": 4, "Type": kind, "Name": "N", "ParentId": 3}, RowId=0, **served)
    field = {"field_id": 4, "row_id": 0, "field_type": kind, "field_name": "N", "parent_field_id": 3}

    assert only_value(body) == field | columns


@pytest.mark.parametrize("kind", sorted(DOCUMENTED))
def test_an_empty_field_has_a_row_without_a_value(kind: str) -> None:
    assert only_value(form_body(Field={"Type": kind})) == {"field_type": kind}
    assert only_value(form_body(Field={"Type": kind}, **{kind: None})) == {"field_type": kind}


def test_every_documented_type_belongs_to_one_family_with_a_reader() -> None:
    types = [name for family in FAMILIES for name in family.types]

    assert sorted(types) == sorted(DOCUMENTED | ONLY_V4)
    assert {family.kind for family in FAMILIES if not set(family.types) <= ONLY_V4 | {"Title"}} == set(READERS)


@pytest.mark.parametrize("kind", sorted(DOCUMENTED - {"Unknown", "Title", "FileUrls", "ExternalFormAuthor", "Note"}))
@pytest.mark.parametrize("wrong", [{"Odd": 1}, [[1]], True], ids=repr)
def test_a_value_of_another_kind_is_null_and_counted(kind: str, wrong: Any) -> None:
    name = {"Catalog": "CatalogItemId"}.get(kind, kind)
    body = form_body(Field={"Type": kind}, **{name: wrong})
    found = read(body)
    columns = {column for column in only_value(body) if column.startswith("value_")}

    assert columns <= {"value_json"}
    if not (
        kind in ("Person", "Assignee", "Author", "ApprovalPerson", "Project", "Phone", "Time") and wrong == {"Odd": 1}
    ):
        assert found.unreadable >= 1


def test_numbers_in_json_keep_their_digits() -> None:
    body = encoded(
        {"TaskWithNotes": {"Id": 1, "Form": [{"Field": {"Type": "New"}, "New": [Decimal("1.10"), int(FORTY)]}]}}
    )

    assert repr(only_value(body)["value_json"]["New"]) == f"[Decimal('1.10'), {FORTY}]"
