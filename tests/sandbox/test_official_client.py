"""The vendor's client for Python, `pyrus-api`, reads the whole sandbox over API v4, and writes to it.

The organisation writes dates as in 2021, because the client cannot read a creation date with a time: one such task
makes its whole register unreadable. The client's other faults are named where they show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT, EVERYBODY
from pyrus_etl.sandbox.v4.tree import LISTS

# A warning of jsonpickle, which the client uses.
pytestmark = pytest.mark.filterwarnings("ignore:keys will default to True:DeprecationWarning")
client_module = pytest.importorskip("pyrus.client")
requests = pytest.importorskip("pyrus.models.requests")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    world = World(seed=7, tasks=200, older=True)
    world.put(9, {"Id": 9, "Text": "Ours", "CreateDate": "/Date(0)/", "Responsible": {"Id": ACCOUNT.id}})
    with Sandbox(world) as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Any:
    made = client_module.PyrusAPI(sandbox.options.login, sandbox.options.security_key)
    host = sandbox.url.removeprefix("http://")
    made._protocol, made._host, made._auth_host, made._files_host = "http", host, f"{host}/api", "nowhere.example"
    assert made.auth().success
    return made


def test_it_follows_the_urls_of_the_login(sandbox: Sandbox, client: Any) -> None:
    assert client._files_host == sandbox.url.removeprefix("http://")


def test_it_reads_forms_registers_and_tasks(sandbox: Sandbox, client: Any) -> None:
    """It gives None for an empty register, and no value for types that it does not know."""
    everything = requests.FormRegisterRequest(include_archived=True)
    rows = [row for form in client.get_forms().forms for row in client.get_registry(form.id, everything).tasks or []]
    tasks = {task_id: sandbox.world.v4.task(task_id) for task_id in sandbox.world.task_ids()}

    assert {row.id for row in rows} == {task_id for task_id, task in tasks.items() if "form_id" in task}
    for task_id, task in tasks.items():
        read = client.get_task(task_id).task
        assert read.text == task["text"]
        assert [comment.id for comment in read.comments] == [comment["id"] for comment in task["comments"]]


def test_it_reads_lists_and_the_inbox(sandbox: Sandbox, client: Any) -> None:
    everything = requests.TaskListRequest(include_archived=True)
    found = {task.id for list_id in LISTS for task in client.get_task_list(list_id, everything).tasks or []}
    simple = [one for one in sandbox.world.task_ids() if "form_id" not in sandbox.world.v4.task(one)]

    assert found >= set(simple) - {9}
    assert client.get_lists().lists
    assert [task.id for task in client.get_inbox(1000).tasks] == sandbox.world.inbox()


def test_it_reads_the_directory(sandbox: Sandbox, client: Any) -> None:
    """It has no method for the list of catalogs."""
    directory = sandbox.world.v4.directory
    form_id = client.get_forms().forms[0].id

    assert client.get_profile().person_id == ACCOUNT.id
    assert len(client.get_contacts().organizations) == 3
    assert client.get_member(ACCOUNT.id).first_name == ACCOUNT.first_name
    assert ACCOUNT.id in {member.id for member in client.get_members().members}
    assert {role.name for role in client.get_roles().roles} >= {"Finance", "Legal"}
    assert client.get_form_permissions(form_id).permissions
    for catalog in directory.catalogs.values():
        current = {item.id for item in catalog.items.values() if not item.deleted}
        assert {item.item_id for item in client.get_catalog(catalog.id).items} == current


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves the uploaded file open
def test_it_uploads_and_downloads(sandbox: Sandbox, client: Any, tmp_path: Path) -> None:
    notes = [note for task in sandbox.world.task_ids() for note in sandbox.world.v4.task(task)["comments"]]
    file = next(file for note in notes for file in note.get("attachments", []))
    (tmp_path / "note.txt").write_text("hello")
    sent = client.upload_file(str(tmp_path / "note.txt"))
    held = client.download_file(file["id"])

    assert sent.md5_hash == hashlib.md5(b"hello", usedforsecurity=False).hexdigest()
    assert len(held.raw_file) == file["size"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_creates_a_task_and_comments_on_it_with_a_file(sandbox: Sandbox, client: Any, tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_text("plan")
    list_id, other, when = min(LISTS), EVERYBODY[1].id, datetime(2026, 5, 1, 10, tzinfo=UTC)
    new = {"responsible": other, "participants": [EVERYBODY[2].id], "due": when, "duration": 30, "subject": "Chairs"}
    task = client.create_task(requests.CreateTaskRequest(text="Order chairs", list_ids=[list_id], **new)).task
    guid = client.upload_file(str(tmp_path / "plan.txt")).guid
    said = {"text": "Done", "attachments": [guid], "action": "finished", "subscribers_added": [other]}
    after = client.comment_task(task.id, requests.TaskCommentRequest(**said, reassign_to=EVERYBODY[0].id)).task
    shown = sandbox.world.v4.task(task.id)

    assert (task.text, task.responsible.id) == ("Order chairs", other)
    assert (shown["subject"], shown["list_ids"]) == ("Chairs", [list_id])
    assert (shown["due"], shown["duration"], len(shown["participants"])) == ("2026-05-01T10:00:00Z", 30, 3)
    assert after.comments[-1].attachments[0].name == "plan.txt"
    assert ("close_date" in shown, shown["responsible"]["id"]) == (True, EVERYBODY[0].id)


def test_it_fills_a_form_and_decides_about_it(sandbox: Sandbox, client: Any) -> None:
    form = next(one for one in client.get_forms().forms if one.name == "Vacation request")
    fields = [{"id": 33, "value": "2026-05-01"}, {"id": 35, "value": 5}, {"name": "Paid", "value": "checked"}]
    approvals = [[ACCOUNT.id], [EVERYBODY[1].id]]
    new = requests.CreateTaskRequest(form_id=form.id, fields=fields, approvals=approvals, fill_defaults=True)
    task = client.create_task(new).task
    decided = requests.TaskCommentRequest(approval_choice="approved", field_updates=[{"id": 35, "value": 6}])
    client.comment_task(task.id, decided)
    shown = sandbox.world.v4.task(task.id)
    values = {one["id"]: one.get("value") for one in shown["fields"]}
    refused = client.create_task(requests.CreateTaskRequest(form_id=form.id, fields=fields[:1]))

    assert (values[33], values[35], values[36]) == ("2026-05-01", 6, "checked")
    assert (shown["approvals"][0][0]["approval_choice"], shown["current_step"]) == ("approved", 2)
    assert refused.error_code == "required_field_missing"
