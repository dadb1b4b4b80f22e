"""The simulated organisation: the same seed gives the same bytes, and histories are consistent."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from pyrus_etl.sandbox import World
from pyrus_etl.sandbox.organisation.clock import milliseconds
from pyrus_etl.sandbox.tasks.values import VALUES
from pyrus_etl.sandbox.world.world import START

Json = dict[str, Any]

ALWAYS = {"CreateDate", "Author"}
NUMBERS = {"Id", "TaskId"}
APPROVALS = {"ApprovalChoice", "ApprovalsAdded", "ApprovalsRemoved", "ApprovalsRerequested"}
CHANGES = {
    "ReassignedTo",
    "ActivityAction",
    "AddedProjects",
    "RemovedProjects",
    "DueDateChanged",
    "DueDateRemoved",
}
NOTE_PROPERTIES = ALWAYS | NUMBERS | APPROVALS | CHANGES | {"Text", "Attachments", "Form"}


@pytest.fixture(scope="module")
def world() -> World:
    """A world with a week of changes after its start."""
    world = World(seed=7, tasks=1200)
    world.live(7 * 24 * 3600, changes=300)
    return world


@pytest.fixture(scope="module")
def tasks(world: World) -> list[Json]:
    return [world.task(task_id)["TaskWithNotes"] for task_id in world.task_ids()]


def ms(date: str) -> int:
    found = re.fullmatch(r"/Date\((\d+)\)/", date)
    assert found
    return int(found[1])


def digest(world: World) -> str:
    return hashlib.sha256(b"".join(body for _, body in world.bodies())).hexdigest()


def test_same_seed_gives_the_same_bytes() -> None:
    """The digest is the same on every machine and Python; it changes only if the sandbox writes other bytes."""
    one, other = World(seed=3, tasks=150), World(seed=3, tasks=150)
    assert one.live(3600, changes=40) == other.live(3600, changes=40)

    assert digest(one) == digest(other) == "43c71056833337545f1a5bfad4293fe15d4442090074d2a7c6095dfb66f514b8"
    assert digest(World(seed=4, tasks=150)) != digest(World(seed=3, tasks=150))


def test_every_field_type_of_the_vendor_occurs(tasks: list[Json]) -> None:
    found = {value["Field"]["Type"] for task in tasks for value in task.get("Form", [])}

    assert found == set(VALUES)
    assert len(found) == 26


def test_every_kind_of_note_occurs(tasks: list[Json]) -> None:
    found = {key for task in tasks for note in task["Notes"] for key in note}

    assert found == NOTE_PROPERTIES


def test_defaults_are_left_out(tasks: list[Json]) -> None:
    votes = [vote for task in tasks for step in task.get("Approvals", []) if step for vote in step]

    assert {task.get("Asap") for task in tasks} == {None, True}
    assert {task.get("IsAnyRejected") for task in tasks} == {None, True}
    assert {vote.get("Choice") for vote in votes} == {None, "Approved", "Rejected", "Revoked"}
    assert all(value is not None for task in tasks for value in task.values())


def test_notes_are_in_order_of_time_and_end_with_the_last_modification(tasks: list[Json]) -> None:
    for task in tasks:
        dates = [ms(note["CreateDate"]) for note in task["Notes"]]
        assert dates == sorted(dates)
        assert dates[0] == ms(task["CreateDate"])
        assert dates[-1] == ms(task["ModifiedDate"])


def test_a_task_is_closed_if_its_last_action_completes_it(tasks: list[Json]) -> None:
    for task in tasks:
        actions = [note for note in task["Notes"] if "ActivityAction" in note]
        closed = bool(actions) and actions[-1]["ActivityAction"] != "Reopen"
        assert task.get("CloseDate") == (actions[-1]["CreateDate"] if closed else None)
    assert 0.05 < sum("CloseDate" not in task for task in tasks) / len(tasks) < 0.35


def test_each_decision_has_a_note(tasks: list[Json]) -> None:
    for task in tasks:
        in_notes = {
            (note["Author"]["Id"], note["ApprovalChoice"]) for note in task["Notes"] if "ApprovalChoice" in note
        }
        steps = [step for step in task.get("Approvals", []) if step]
        given = {(vote["Person"]["Id"], vote["Choice"]) for step in steps for vote in step if "Choice" in vote}
        assert given <= in_notes


def test_some_steps_are_skipped_and_some_ids_are_large(world: World, tasks: list[Json]) -> None:
    assert any(None in task.get("Approvals", []) for task in tasks)
    assert any(2**31 < task["Id"] < 2**53 for task in tasks)
    assert any(task["Id"] > 2**53 for task in tasks)
    assert len(set(world.task_ids())) == len(world)


def test_some_amounts_have_digits_that_a_float_would_lose(tasks: list[Json]) -> None:
    amounts = [value["Decimal"] for task in tasks for value in task.get("Form", []) if "Decimal" in value]

    assert any(len(amount.as_tuple().digits) > 20 for amount in amounts)


def test_rows_of_lists_agree_with_bodies(world: World, tasks: list[Json]) -> None:
    for ordinal, task in enumerate(tasks):
        row = msgspec.json.decode(msgspec.json.encode(world.row_of(ordinal)))
        assert row == {key: task[key] for key in row}
        assert world.register.modified[ordinal] == ms(task["ModifiedDate"])
        assert bool(world.register.closed[ordinal]) == ("CloseDate" in task)


def test_an_edit_changes_one_task_and_nothing_else_in_its_form() -> None:
    world = World(seed=5, tasks=60)
    before = dict(world.bodies())
    edited = world.edit(world.task_ids()[8], "comment")
    after = dict(world.bodies())

    assert [task_id for task_id in before if before[task_id] != after[task_id]] == [edited]
    assert b'"Form"' not in before[edited] or before[edited].count(b'"Field"') == after[edited].count(b'"Field"')


def test_live_returns_the_tasks_that_it_changed() -> None:
    world = World(seed=5, tasks=300)
    before = dict(world.bodies())
    activity = world.live(3600, changes=50)
    after = dict(world.bodies())

    assert {task_id for task_id in after if before.get(task_id) != after[task_id]} == activity.touched
    assert activity.created
    assert activity.edited
    assert activity.closed


def test_a_purged_task_keeps_one_note() -> None:
    world = World(seed=5, tasks=30)
    task = world.task(world.purge(world.task_ids()[4]))["TaskWithNotes"]

    assert len(task["Notes"]) == 1
    assert not {"Form", "Approvals"} & set(task)
    assert ms(task["ModifiedDate"]) == world.clock.now()


def test_a_backdated_task_has_an_older_modification() -> None:
    world = World(seed=5, tasks=30)
    task_id = world.backdate(world.task_ids()[4], START - timedelta(days=300))

    assert ms(world.task(task_id)["TaskWithNotes"]["ModifiedDate"]) == milliseconds(START - timedelta(days=300))


def test_a_put_payload_is_served_as_it_is() -> None:
    world = World(seed=5, tasks=3)
    world.put(77, b"{not json", modified=None)
    world.put(78, {"Id": 78, "Text": "by hand", "Notes": []})

    assert world.body(77) == b"{not json"
    assert world.task(78) == {"TaskWithNotes": {"Id": 78, "Text": "by hand", "Notes": []}}
    assert "ModifiedDate" not in world.row_of(world.ordinal(77))
