"""A task with every field type and property of the vendor's page, from HTTP to every column of every table.

The body is `tests/normalize/full_task.json`; the expected rows were worked out by hand.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.result import Result
from tests.normalize.reading import FULL, FULL_ID
from tests.oracle import COLUMNS, FIELD_COLUMNS, assert_tables_equal_world, plain_json
from tests.runs import sync
from tests.typing import Query

CREATED = datetime(2023, 11, 14, 22, 13, 20, 123000, UTC)
AN_HOUR_LATER = datetime(2023, 11, 14, 23, 13, 20, tzinfo=UTC)
CLOSED = datetime(2023, 11, 15, 22, 13, 20, 456000, UTC)
DECIDED = datetime(2023, 11, 14, 23, 13, 20, 789000, UTC)
DUE = date(2023, 11, 15)

FORM: tuple[tuple[Any, ...], ...] = (
    # value_no, field_id, row_id, field_type, field_name, parent_field_id, and the columns that have a value
    (1, 1, None, "Text", "What", None, {"text": 'A burner,\n"model 7"\tand\\or 8'}),
    (2, 2, None, "Email", "Supplier's mail", None, {"text": "sales@burners.example"}),
    (3, 3, None, "ActivityStatus", "Status", None, {"text": "Closed"}),
    (4, 4, None, "Note", "Hint", None, {"text": "Fill in all fields"}),
    (5, 5, None, "Phone", "Call", None, {"text": "+44 5550101"}),
    (6, 6, None, "Phone", "Call at night", None, {"text": "5550102"}),
    (7, 7, None, "Checkmark", "Paid", None, {"text": "Checked", "bool": True}),
    (8, 8, None, "Checkmark", "Insured", None, {"text": "Unchecked", "bool": False}),
    (9, 9, None, "Flag", "In stock", None, {"text": "None"}),
    (10, 10, None, "Flag", "Urgent", None, {"text": "Checked", "bool": True}),
    (11, 11, None, "Flag", "Used", None, {"text": "Unchecked", "bool": False}),
    (12, 12, None, "Number", "Pieces", None, {"number": Decimal(2)}),
    (13, 13, None, "Number", "Weight", None, {"number": Decimal("-0.125")}),
    (14, 14, None, "Decimal", "Price", None, {"number": Decimal("1234567890123456789012345678.901234567890")}),
    (15, 15, None, "ApprovalStep", "Step", None, {"number": Decimal(4)}),
    (16, 16, None, "Date", "Delivery", None, {"date": date(2024, 2, 29)}),
    (17, 17, None, "DueDate", "Due", None, {"date": DUE}),
    (18, 18, None, "ApprovalDate", "Decided", None, {"timestamp": DECIDED}),
    (19, 19, None, "CreationDate", "Filled in", None, {"timestamp": datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)}),
    (20, 20, None, "Time", "At", None, {"time": time(23, 59)}),
    (21, 21, None, "Person", "Fitter", None, {"person_id": 74}),
    (22, 22, None, "Assignee", "Responsible", None, {"person_id": 72}),
    (23, 23, None, "Author", "Author", None, {"person_id": 71}),
    (24, 24, None, "ApprovalPerson", "Decided by", None, {"person_id": 73}),
    (25, 25, None, "Project", "Hall", None, {"project_id": 506}),
    (
        *(26, 26, None, "Catalog", "Part", None),
        {
            "catalog_item_id": 4294967296,
            "json": {"CatalogItemValues": ["Burner", "B-7"], "CatalogHeaders": ["Name", "Code"]},
        },
    ),
    (27, 27, None, "Title", "Section", None, {"json": {"Checkmark": "Checked"}}),
    (28, 28, None, "Title", "Invoices", None, {"json": {"Rows": [{"RowId": 0}, {"RowId": 1}]}}),
    (29, 29, 0, "Decimal", "Amount", 28, {"number": Decimal("100.10")}),
    (30, 29, 1, "Decimal", "Amount", 28, {"number": Decimal(1000)}),
    (31, 30, 1, "Text", "Remark", 28, {}),
    # 32 is null
    (
        *(33, 31, None, "Files", "Photos", None),
        {
            "json": {
                "Files": [
                    {"Id": 9003, "Name": "again.png", "Size": 1},
                    {
                        "Id": 9005,
                        "Name": "burner.png",
                        "Size": 3000000000,
                        "DownloadUrl": "https://files.example/9005",
                        "ExistingId": 9001,
                        "MD5Hash": "0123456789ABCDEF0123456789ABCDEF",
                    },
                ]
            }
        },
    ),
    (
        *(34, 32, None, "FileUrls", "Links", None),
        {"json": {"FileUrls": [{"Url": "https://burners.example/7", "Name": "Model 7"}]}},
    ),
    (
        *(35, 33, None, "ExternalFormAuthor", "Sender", None),
        {"json": {"ExternalFormAuthor": {"Email": "guest@mail.example", "Name": None}}},
    ),
    (36, 34, None, "Unknown", "What is it", None, {"json": {"Something": {"Deep": [1, None, 2.5]}}}),
    (37, 35, None, "Hologram", "New kind", None, {"json": {"Hologram": True, "Angle": 90}}),
    (38, 36, None, "Unknown", "Nothing", None, {}),
    (39, None, None, None, None, None, {"json": {"Text": "a value without its field"}}),
)
NOTE_FORM: tuple[tuple[Any, ...], ...] = (
    (1, 12, None, "Number", "Pieces", None, {"number": Decimal(1)}),
    (
        *(2, 31, None, "Files", "Photos", None),
        {"json": {"Files": [{"Id": 9002, "Name": "flame.jpg"}, {"Id": 9003, "Name": "oven.png", "Size": 77}]}},
    ),
)


def in_columns(form: tuple[tuple[Any, ...], ...], *key: int) -> list[tuple[Any, ...]]:
    """The rows of a form: the key, the field, and one column for each kind of value."""
    names = [name.removeprefix("value_") for name in FIELD_COLUMNS.split() if name.startswith("value_")]
    return [(*key, *head, *(values.get(name) for name in names)) for *head, values in form]


TABLES: dict[str, list[tuple[Any, ...]]] = {
    "tasks": [
        (
            *(FULL_ID, "Oven no. 3: new burner", 71, 72, DUE, True, CREATED, CLOSED, CLOSED),
            *(9007199254740993, True, 501, 501, True, None),
        )
    ],
    "task_projects": [(FULL_ID, 501, 1), (FULL_ID, 504, 2)],
    "notes": [
        (FULL_ID, 1, 3232898654, 71, CREATED, "The flame goes out.", 72, None, None, DUE, False, 71),
        # 2 is null
        (
            *(FULL_ID, 3, None, 72, AN_HOUR_LATER),
            *(None, None, None, "Approved", None, True, None),
        ),
        (FULL_ID, 4, None, 71, CLOSED, "", None, "Complete", None, None, False, None),
    ],
    "note_projects": [
        (FULL_ID, 1, 501, "added"),
        (FULL_ID, 1, 507, "added"),
        (FULL_ID, 3, 507, "removed"),
    ],
    "approvals": [
        (FULL_ID, 1, 1, 72, "Approved"),
        (FULL_ID, 1, 2, 73, "Waiting"),
        # the second step was skipped, the third has no approvers
        (FULL_ID, 4, 1, 71, "Rejected"),
        (FULL_ID, 4, 3, 72, "Revoked"),
        (FULL_ID, 4, 4, 73, "Waiting"),
    ],
    "note_approvals": [
        (FULL_ID, 1, "added", 1, 1, 72, CREATED),
        (FULL_ID, 1, "added", 1, 2, 73, CREATED),
        (FULL_ID, 1, "added", 3, 2, 75, CREATED),
        (FULL_ID, 3, "removed", 1, 1, 75, AN_HOUR_LATER),
        (FULL_ID, 3, "rerequested", 2, 1, 71, AN_HOUR_LATER),
    ],
    "form_values": in_columns(FORM, FULL_ID),
    "note_form_values": in_columns(NOTE_FORM, FULL_ID, 1),
    "form_fields": sorted(
        {(501, field_id, *about, row_id is not None) for _, field_id, row_id, *about, _ in FORM if field_id is not None}
    ),
    "attachments": [
        (
            *(FULL_ID, 9001, "flame.jpg", 48213, "https://files.example/9001", None),
            *("AAAABBBBCCCCDDDDAAAABBBBCCCCDDDD", 1, None),
        ),
        (FULL_ID, 9002, "flame.jpg", None, None, None, None, 1, None),
        (FULL_ID, 9003, "oven.png", 77, None, None, None, 1, 31),
        (
            *(FULL_ID, 9005, "burner.png", 3000000000, "https://files.example/9005", 9001),
            *("0123456789ABCDEF0123456789ABCDEF", None, 31),
        ),
    ],
    "attachment_contents": [],
    "persons": [
        (71, "Ilse", "Marrow", "ilse@bakehouse.example", None, True),
        (72, "Jorge", "Pell", "jorge@bakehouse.example", None, False),
        (73, "Amélie", "Quist", None, None, None),
        (74, None, "Ruzicka", "ruzicka@fitters.example", None, None),
        (75, "Odd", "Berg", None, None, None),
    ],
    "projects": [
        (501, "Repairs", None),
        (502, "Machines", None),
        (503, "Ovens", 502),
        (504, "Burners", 503),
        (505, "Site", None),
        (506, "Hall B", 505),
        (507, "Incoming", 501),
    ],
}
WITHOUT_CONTACTS = {"persons": "WHERE organization_id IS NULL"}
"""Leaves out the sandbox's contacts, which are not in the body."""


@pytest.fixture
def synced(each_database: Secret) -> Iterator[tuple[Secret, Result]]:
    """A database after a sync of a world in which there is only this task."""
    world = World(tasks=0)
    world.put(FULL_ID, FULL)
    with Sandbox(world) as sandbox:
        yield each_database, sync(sandbox, each_database)


def test_every_property_is_in_its_column(synced: tuple[Secret, Result], query: Query) -> None:
    database, result = synced

    for table, rows in TABLES.items():
        columns = ", ".join(" ".join(COLUMNS.get(table, ("*",))).split())
        found = query(database, f"SELECT {columns} FROM pyrus.{table} {WITHOUT_CONTACTS.get(table, '')}")
        assert sorted(found) == rows, table
    assert (result.status, result.counts.tasks_changed, result.counts.values_unreadable) == ("ok", 1, 0)


def test_amounts_keep_every_digit_and_trailing_zero(synced: tuple[Secret, Result], query: Query) -> None:
    amounts = "SELECT value_number::text FROM pyrus.form_values WHERE field_type = 'Decimal' ORDER BY value_no"

    assert query(synced[0], amounts) == [("1234567890123456789012345678.901234567890",), ("100.10",), ("1000",)]


def test_the_body_is_kept_as_served(synced: tuple[Secret, Result], query: Query) -> None:
    """With its envelope, unknown properties and nulls included."""
    ((payload,),) = query(synced[0], "SELECT payload::text FROM pyrus.raw_tasks")

    assert plain_json(str(payload).encode()) == plain_json(FULL)
    assert '"Price"' in str(payload)
    assert "1234567890123456789012345678.901234567890" in str(payload)


def test_the_hash_of_the_body_is_kept(synced: tuple[Secret, Result], query: Query) -> None:
    """`sha256sum tests/normalize/full_task.json` prints the same."""
    hashed = "SELECT payload_sha256 = encode(sha256(%s), 'hex') FROM pyrus.raw_tasks"

    assert query(synced[0], hashed, memoryview(FULL)) == [(True,)]


def test_the_oracle_agrees(synced: tuple[Secret, Result]) -> None:
    """The oracle is used for all other bodies, so here it must agree with the rows worked out by hand."""
    assert_tables_equal_world(synced[0], {FULL_ID: FULL})
