"""A form field type of API v4 → the columns that its value fills: cases, input and expected side by side."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from pyrus_etl.extract.v4.wire.fields import READERS
from pyrus_etl.extract.v4.wire.words import FIELD_TYPES
from pyrus_etl.fields import family_of
from tests.normalize.reading import encoded
from tests.normalize.reading_v4 import only_value, read, read_body
from tests.oracle import Json

FORTY = "1234567890123456789012345678901234567890"
NOON = datetime(2026, 2, 5, 12, 0, tzinfo=UTC)
TWO = {"item_ids": [5, 6], "headers": ["Vendor", "Code"], "rows": [["GE", "1"], ["VN", "2"]]}

CASES: list[tuple[str, Any, Json]] = [
    # type, served value, the columns that are not null
    ("text", "plain", {"value_text": "plain"}),
    ("text", "", {"value_text": ""}),
    ("email", "a@b.example", {"value_text": "a@b.example"}),
    ("phone", "79000000000,12345", {"value_text": "79000000000,12345"}),
    ("note", "read me", {"value_text": "read me"}),
    ("number", 3000, {"value_number": Decimal(3000)}),
    ("number", "157.2134", {"value_number": Decimal("157.2134")}),
    ("money", Decimal(f"{FORTY}.{FORTY}"), {"value_number": Decimal(f"{FORTY}.{FORTY}")}),
    ("money", int(FORTY), {"value_number": Decimal(FORTY)}),
    ("money", f"{FORTY}.50", {"value_number": Decimal(f"{FORTY}.50")}),
    ("step", 2, {"value_number": Decimal(2)}),
    ("step", "2", {"value_number": Decimal(2)}),
    ("date", "2024-02-29", {"value_date": date(2024, 2, 29)}),
    ("due_date", "0001-01-01", {"value_date": date(1, 1, 1)}),
    ("due_date_time", "2026-02-05T12:00:00Z", {"value_timestamp": NOON}),
    ("due_date_time", "2026-02-05T17:30:00+05:30", {"value_timestamp": NOON}),
    ("task_approval_date", "2026-02-05T12:00:00.125z", {"value_timestamp": NOON.replace(microsecond=125000)}),
    ("creation_date", "2026-02-05", {"value_timestamp": datetime(2026, 2, 5, tzinfo=UTC)}),
    ("creation_date", "2026-02-05T12:00:00Z", {"value_timestamp": NOON}),
    ("time", "00:00", {"value_time": time(0, 0)}),
    ("time", "23:59", {"value_time": time(23, 59)}),
    ("checkmark", "checked", {"value_text": "Checked", "value_bool": True}),
    ("checkmark", "unchecked", {"value_text": "Unchecked", "value_bool": False}),
    ("flag", "none", {"value_text": "None"}),
    ("flag", "smudged", {"value_text": "smudged"}),
    ("status", "open", {"value_text": "Opened"}),
    ("status", "closed", {"value_text": "Closed"}),
    ("status", "frozen", {"value_text": "frozen"}),
    ("person", {"id": 2**53 + 1}, {"value_person_id": 2**53 + 1}),
    ("author", {"id": 7, "type": "role"}, {"value_person_id": 7}),
    ("person_responsible", {"id": 7}, {"value_person_id": 7}),
    ("task_approval_user", {"id": 7}, {"value_person_id": 7}),
    ("person", {"first_name": "Ann"}, {}),
    (
        "catalog",
        {"item_id": 4, "item_ids": [5], "headers": ["Vendor"], "values": ["GE"], "rows": [["GE"]]},
        {"value_text": "GE", "value_catalog_item_id": 5, "value_json": {"headers": ["Vendor"], "rows": [["GE"]]}},
    ),
    ("catalog", {"item_id": 5}, {"value_catalog_item_id": 5}),
    (
        "catalog",
        {"item_id": 5, "headers": ["Vendor"], "values": ["GE"]},
        {"value_text": "GE", "value_catalog_item_id": 5, "value_json": {"headers": ["Vendor"], "rows": [["GE"]]}},
    ),
    ("catalog", TWO, {"value_text": "GE, VN", "value_json": {"headers": ["Vendor", "Code"], "rows": TWO["rows"]}}),
    ("multiple_choice", {"choice_ids": [1], "choice_names": ["Yes"]}, {"value_text": "Yes"}),
    ("multiple_choice", {"choice_id": 3, "choice_ids": [3, 4], "choice_names": ["A", "B"]}, {"value_text": "A, B"}),
    ("form_link", {"task_id": 9, "task_ids": [9, 10], "subject": "Expenses"}, {"value_text": "Expenses"}),
    ("form_link", {"task_ids": [9]}, {}),
    (
        "project",
        {"projects": [{"id": 3, "name": "A", "parent": {"id": 2, "name": "Root"}}, {"id": 4, "name": "B"}]},
        {"value_text": "A, B", "value_project_id": 3},
    ),
    (
        "file",
        [{"id": 8, "name": "a.pdf", "size": 3}, {"name": "link", "url": "https://files.example/1"}],
        {"value_json": [{"id": 8, "name": "a.pdf"}, {"name": "link"}]},
    ),
    ("title", {"checkmark": "checked"}, {"value_json": {"checkmark": "checked"}}),
    (
        "table",
        [{"row_id": 0, "position": 1}, {"row_id": 2, "position": 0}, {"row_id": 3, "deleted": True}],
        {"value_json": [{"row_id": 0, "position": 1}, {"row_id": 2, "position": 0}]},
    ),
    ("rating", 5, {"value_json": 5}),
    ("rating", {"stars": [Decimal("4.50")]}, {"value_json": {"stars": [4.5]}}),
    ("rating", False, {"value_json": False}),
]
WRONG = [{"odd": 1}, [[1]], True, 2**64]
"""Values that no type has; a type that could have one is left out below."""
UNREADABLE: list[tuple[str, Any]] = [
    *[(each, wrong) for each in ("text", "status", "flag", "date", "due_date_time", "time") for wrong in WRONG],
    *[(each, wrong) for each in ("number", "money") for wrong in ({"odd": 1}, [[1]], True, "1,5", "NaN", "", "0x1")],
    *[("person", wrong) for wrong in ([[1]], True, 5)],
    *[("catalog", wrong) for wrong in ([[1]], True, 5)],
    *[("file", wrong) for wrong in ({"odd": 1}, True, 5)],
    *[("time", wrong) for wrong in ("24:00", "12:60", "noon")],
    *[("date", wrong) for wrong in ("2026-02-30", "05.02.2026", "", "2026-W06-4")],
    *[("due_date_time", wrong) for wrong in ("2026-02-05T24:00:00Z", "0001-01-01T00:00:00+01:00", "now")],
    ("money", Decimal("1E+200000")),
]


def test_every_type_has_a_reader() -> None:
    kinds = {family_of(each).kind for each in FIELD_TYPES.values()}

    assert kinds == READERS.keys() - {"other"}


@pytest.mark.parametrize(
    ("kind", "served", "columns"), CASES, ids=[f"{kind}-{n}" for n, (kind, *_) in enumerate(CASES)]
)
def test_a_value_fills_its_columns(kind: str, served: Any, columns: Json) -> None:
    body = field_body({"id": 1, "type": kind, "name": "it", "value": served})
    found = read_body(body)
    (value,) = found.tables["form_values"]

    assert value == {
        "task_id": 1,
        "value_no": 1,
        "field_id": 1,
        "field_type": FIELD_TYPES.get(kind, kind),
        "field_name": "it",
        **columns,
    }
    assert found.unreadable == 0


@pytest.mark.parametrize(("kind", "served"), UNREADABLE, ids=repr)
def test_a_value_that_cannot_be_read_is_null_and_counted(kind: str, served: Any) -> None:
    found = read_body(field_body({"id": 1, "type": kind, "value": served}))
    (value,) = found.tables["form_values"]

    assert {name for name in value if name.startswith("value_")} == {"value_no"}
    assert found.unreadable == 1


@pytest.mark.parametrize("kind", sorted(FIELD_TYPES))
def test_a_value_that_is_empty_has_a_row_with_nulls(kind: str) -> None:
    assert only_value(type=kind, value=[]) == only_value(type=kind, value={}) == ({}, 0)


def test_a_field_without_a_value_has_no_row() -> None:
    fields = [{"id": 1, "type": "text", "name": "a", "tooltip": ""}, {"id": 2, "type": "text", "value": None}, None]

    assert "form_values" not in read(fields=fields).tables


@pytest.mark.parametrize("kind", ["due_date", "due_date_time"])
@pytest.mark.parametrize("served", [140, "140"])
def test_a_due_field_keeps_its_duration(kind: str, served: Any) -> None:
    value, unreadable = only_value(type=kind, value="2026-02-05", duration=served)

    assert value.pop("value_json") == {"duration": 140}
    assert (len(value), unreadable) == (1, 0)


@pytest.mark.parametrize(
    ("kind", "served", "items"),
    [
        ("catalog", TWO, [("catalog", 5, "GE"), ("catalog", 6, "VN")]),
        ("catalog", {"item_ids": [5], "item_names": ["GE"]}, [("catalog", 5, "GE")]),
        ("multiple_choice", {"choice_id": 3}, [("choice", 3, None)]),
        ("form_link", {"task_id": 9, "task_ids": [9, 10], "subject": "S"}, [("task", 9, None), ("task", 10, None)]),
        ("file", [{"id": 8, "name": "a.pdf"}, None, {"name": "link"}], [("file", 8, "a.pdf"), ("file", None, "link")]),
        ("project", {"projects": [{"id": 3, "name": "A"}]}, [("project", 3, "A")]),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_values_that_refer_to_things_have_their_items(
    kind: str, served: Any, items: list[tuple[str, int | None, str | None]]
) -> None:
    found = read(fields=[{"id": 1, "type": kind, "value": served}]).tables["form_value_items"]

    assert [(item["kind"], item.get("item_id"), item.get("text")) for item in found] == items
    assert all((item["note_no"], item["value_no"]) == (0, 1) for item in found)


@pytest.mark.parametrize("served", [5, [5], [{"id": "5", "value": None}]], ids=repr)
def test_fields_that_cannot_be_read_are_counted_even_if_no_other_field_has_a_value(served: Any) -> None:
    assert read(fields=served).unreadable == 1
    assert read(comments=[{"field_updates": served}]).unreadable == 1


def field_body(field: Json) -> bytes:
    """An answer with a task whose form has this field; its numbers are written to the last digit."""
    return b'{"task": {"id": 1, "fields": [' + encoded(field) + b"]}}"
