"""Small worlds for the tests of reports: tasks as Pyrus would serve them, in short form.

It is Monday, the 16th of March 2026, 12:00 UTC.
"""

from datetime import UTC, date, datetime
from typing import Any

import pytest

Json = dict[str, Any]

both_apis = pytest.mark.parametrize("reports", ["v3", "v4"], indirect=True)
"""Runs a test twice: the tasks are loaded as API v3 serves them, then as API v4 does."""

NOW = "2026-03-16 12:00"

ANN: Json = {"Id": 1, "FirstName": "Ann", "LastName": "Archer", "Email": "ann@example.com"}
BOB: Json = {"Id": 2, "FirstName": "Bob", "LastName": "Baker", "Email": "bob@example.com"}
CAT: Json = {"Id": 3, "FirstName": "Cat", "LastName": "Cooper", "Email": "cat@example.com"}
DAN: Json = {"Id": 4, "FirstName": "Dan", "LastName": "Dyer", "Email": "dan@example.com"}

INVOICES: Json = {"Id": 100, "Name": "Invoices"}
LEGAL: Json = {"Id": 200, "Name": "Legal"}
CONTRACTS: Json = {"Id": 201, "Name": "Contracts", "Parent": LEGAL}


def utc(moment: str) -> datetime:
    """Returns an instant as the reports show it, from `2026-03-16 12:00`."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def at(moment: str) -> str:
    """Returns an instant as Pyrus writes it, from `2026-03-16 12:00` in UTC."""
    return f"/Date({int(utc(moment).timestamp()) * 1000})/"


def on(day: str) -> str:
    """Returns a day as Pyrus writes it, from `2026-03-16`."""
    return at(date.fromisoformat(day).isoformat())


def note(moment: str, author: Json = ANN, **properties: Any) -> Json:
    """A note of this moment; `properties` are Pyrus's own, e.g. `ActivityAction="Complete"`."""
    return {"CreateDate": at(moment), "Author": author, **properties}


def value(field_id: int, field_type: str, name: str, served: Any = None, **properties: Any) -> Json:
    """The value of a form field; `served` is in the property with the name of the type."""
    head = {"Field": {"Id": field_id, "Type": field_type, "Name": name}}
    return head | ({} if served is None else {field_type: served}) | properties


def approval(approver: Json, choice: str | None = None) -> Json:
    """An approver in `Approvals`; without a choice: waiting."""
    return {"Person": approver} | ({} if choice is None else {"Choice": choice})


def task(task_id: int, created: str, *notes: Json, **properties: Any) -> Json:
    """A task created by Ann; its last note is its last change, and closes it if the note completes it."""
    changed = notes[-1]["CreateDate"] if notes else at(created)
    closed = {"CloseDate": changed} if notes and notes[-1].get("ActivityAction") == "Complete" else {}
    return {
        "Id": task_id,
        "Text": f"Task {task_id}",
        "Author": ANN,
        "CreateDate": at(created),
        "ModifiedDate": changed,
        "Notes": list(notes),
        **closed,
        **properties,
    }
