"""What a row may say, over both APIs: compared with what the tables show after it was read back."""

from pathlib import Path
from typing import Any

import pytest

from pyrus_etl.sandbox.organisation.forms import CONTRACT, INVOICE, PURCHASE, VACATION
from pyrus_etl.sandbox.organisation.people import ACCOUNT, STAFF
from pyrus_etl.sandbox.organisation.projects import BOARD
from tests.sync.outbox.test_push import Office, office

__all__ = ["office"]
pytestmark = pytest.mark.usefixtures("impatient")

US, OTHER, LIST = ACCOUNT.id, STAFF[1].id, BOARD[0].id
LINES, ITEM, SUM, SUPPLIER, VAT, TOTAL = (
    2_147_483_704,
    2_147_483_705,
    2_147_483_707,
    2_147_483_700,
    2_147_483_708,
    2_147_483_709,
)
VALUES = """
    SELECT field_id, row_id, coalesce(
        value_text, value_number::text, value_date::text, value_timestamp::text, value_time::text,
        value_person_id::text, value_project_id::text, value_catalog_item_id::text, value_json::text
    )
    FROM pyrus.form_values WHERE task_id = %s AND field_id = ANY(%s)
"""
NOTE = """
    SELECT text, activity_action, approval_choice, reassigned_to_id, due_date_changed::text, due_date_removed, subject
    FROM pyrus.notes WHERE task_id = %s ORDER BY note_no DESC LIMIT 1
"""

FORMS: dict[str, tuple[int, list[dict[str, Any]], dict[tuple[int, int | None], str]]] = {
    "v3": (
        PURCHASE.id,
        [
            {"field_id": 13, "value": "Chairs"},
            {"field_id": 14, "value": 2.5},
            {"field_id": 15, "value": "123456789012345678.21"},
            {"field_id": 16, "value": 1601},
            {"field_id": 17, "value": PURCHASE.id + 3, "type": "Project"},
            {"field_id": 18, "value": "2026-05-01"},
            {"field_id": 19, "value": True},
            {"field_id": 20, "value": "plan.txt", "type": "Files"},
        ],
        {
            (13, None): "Chairs",
            (14, None): "2.5",
            (15, None): "123456789012345678.21",
            (16, None): "1601",
            (17, None): str(PURCHASE.id + 3),
            (18, None): "2026-05-01",
            (19, None): "Checked",
        },
    ),
    "v4": (
        CONTRACT.id,
        [
            {"field_id": 72, "value": "Alder"},
            {"field_id": 73, "value": OTHER},
            {"field_id": 74, "value": CONTRACT.id + 2},
            {"field_id": 76, "value": "123456789012345678.21"},
            {"field_id": 77, "value": "2026-05-01"},
            {"field_id": 78, "value": "checked"},
            {"field_id": 79, "value": "plan.txt"},
            {"field_id": 201, "value": "Normal"},
            {"field_id": 204, "value": "Wharf 5"},
            {"field_id": 207, "row_id": 1, "value": "2026-05-02"},
            {"field_id": 210, "value": [1600, "Baltic Freight Lines"]},
        ],
        {
            (72, None): "Alder",
            (73, None): str(OTHER),
            (74, None): "Domestic",
            (76, None): "123456789012345678.21",
            (77, None): "2026-05-01",
            (78, None): "Checked",
            (201, None): "Normal",
            (204, None): "Wharf 5",
            (207, 1): "2026-05-02",
            (210, None): "Alder & Finch GmbH, Baltic Freight Lines",
        },
    ),
}


def test_a_new_task_of_a_form_has_the_values_and_files_of_the_row(office: Office, tmp_path: Path) -> None:
    form_id, values, expected = FORMS[office.api]
    (tmp_path / "plan.txt").write_bytes(b"the plan")
    office.put(
        "form_task", None, form_id=form_id, form_values=values, attachments=["plan.txt", "https://x.example/y.pdf"]
    )

    result = office.push(folder=tmp_path)

    ((action, task_id, status, _, answer, error),) = office.rows
    assert (result.exit_code, action, status, error, answer) == (0, "form_task", "sent", None, {"task_id": task_id})
    found = {
        (field, row): text
        for field, row, text in office.query(office.database, VALUES, task_id, [f for f, _ in expected])
    }
    assert found == expected
    names = office.query(office.database, "SELECT name, size_bytes FROM pyrus.attachments WHERE task_id = %s", task_id)
    assert names.count(("plan.txt", 8)) == (1 if office.api == "v4" else 2) or len(names) >= 2


def values_of(office: Office, task_id: int, fields: list[int]) -> dict[tuple[Any, Any], Any]:
    """The stored values by field and row, as text."""
    return {(field, row): text for field, row, text in office.query(office.database, VALUES, task_id, fields)}


def test_a_comment_changes_all_that_it_names(office: Office, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.txt").write_bytes(b"b")
    office.put("form_task", None, form_id=VACATION.id, form_values=[{"field_id": 35, "value": 3, "type": "Number"}])
    assert office.push().exit_code == 0
    task_id = office.rows[0][1]
    office.put(
        "comment",
        task_id,
        text="All of it",
        subject="Leave",
        responsible_id=OTHER,
        due_date="2026-05-01",
        added_project_ids=[LIST],
        approvals=[[US, OTHER]],
        form_values=[{"field_id": 39, "value": "7", "type": "Phone"}],
        attachments=[str(tmp_path / "a" / "b.txt")],
    )
    office.put("comment", task_id, approval_choice="approved")
    office.put("comment", task_id, clear_due_date=True, removed_project_ids=[LIST], activity_action="complete")

    result = office.push(folder=tmp_path)

    assert (result.error, result.exit_code, [row[2] for row in office.rows]) == (None, 0, ["sent"] * 4)
    notes = office.query(office.database, NOTE.replace("DESC LIMIT 1", "OFFSET 1"), task_id)
    assert notes == [
        ("All of it", None, None, OTHER, "2026-05-01", False, "Leave" if office.api == "v4" else None),
        (None, None, "Approved", None, None, False, None),
        (None, "Complete", None, None, None, True, None),
    ]
    changes = "SELECT note_no, project_id, change FROM pyrus.note_projects WHERE task_id = %s AND note_no > 1"
    assert sorted(office.query(office.database, changes, task_id)) == [(2, LIST, "added"), (4, LIST, "removed")]
    phone = "SELECT value_text FROM pyrus.form_values WHERE task_id = %s AND field_id = 39"
    assert office.query(office.database, phone, task_id)[0][0] in ("7", "+47 7")
    files = "SELECT name, size_bytes, note_no FROM pyrus.attachments WHERE task_id = %s AND note_no = 2"
    assert office.query(office.database, files, task_id) == [("b.txt", 1, 2)]


def test_rows_of_a_table_are_added_changed_and_deleted(office: Office) -> None:
    if office.api == "v3":
        return  # it can neither choose an item by its text nor delete a row
    given = [
        {"field_id": SUPPLIER, "value": SUPPLIER * 100 + 1},
        {"field_id": VAT, "value": "10 % reduced"},
        {"field_id": TOTAL, "value": 100.1},
    ]
    rows = [{"field_id": ITEM, "row_id": number, "value": f"Item {number}"} for number in (1, 2)]
    office.put("form_task", None, form_id=INVOICE.id, form_values=[*given, *rows])
    assert office.push().exit_code == 0
    task_id = office.rows[0][1]
    changes = [
        {"field_id": LINES, "row_id": 2, "value": None},
        {"field_id": SUM, "row_id": 1, "value": 12.5},
        {"field_id": ITEM, "row_id": 3, "value": "Item 3"},
    ]
    office.put("comment", task_id, form_values=changes)

    assert office.push().exit_code == 0
    assert values_of(office, task_id, [ITEM, SUM]) == {(ITEM, 1): "Item 1", (SUM, 1): "12.5", (ITEM, 3): "Item 3"}
