"""Tasks, forms and comments that an account writes over either API, and the errors that the vendor names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.sandbox.organisation.forms import CONTRACT, INVOICE, KINDS, PURCHASE, SUPPORT, VACATION
from pyrus_etl.sandbox.organisation.people import ACCOUNT, LEADS, STAFF
from pyrus_etl.sandbox.organisation.projects import BOARD
from tests.sandbox.asking import Reply, as_form, as_json
from tests.sandbox.test_comments import APIS, Client

Json = dict[str, Any]

US, OTHER = ACCOUNT.id, STAFF[1].id
LIST = BOARD[0].id
DAY = 1_777_593_600_000
"""2026-05-01."""
DATE = f"/Date({DAY})/"
OF_FORM = {kind.project.id: kind for kind in KINDS if kind.project}


class Writer(Client):
    """Creates tasks too."""

    def v3(self, method: str, **given: Any) -> Reply:
        return self.ask(f"/restapi/{method}", "PUT", **as_json(given))

    def v4(self, path: str = "tasks", **given: Any) -> Reply:
        return self.ask(f"/v4/{path}", "POST", **as_json(given))

    def create(self, text: str | None, **more: Any) -> Reply:
        return self.v3("addtask", Text=text, **more) if self.api == "v3" else self.v4(text=text, **more)

    def made(self, reply: Reply) -> Json:
        """The task in the answer, which has to be the one that is served."""
        assert reply.status == 200, reply.body
        found: Json = reply.json["TaskWithNotes" if self.api == "v3" else "task"]
        assert reply.body == self.task(found["Id" if self.api == "v3" else "id"])
        return found


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(seed=7, tasks=60), accounts={"reader": STAFF[2].id}, readers=(STAFF[2].id,)) as running:
        yield running


@pytest.fixture
def v3(sandbox: Sandbox) -> Writer:
    return Writer(sandbox, "v3")


@pytest.fixture
def v4(sandbox: Sandbox) -> Writer:
    return Writer(sandbox, "v4")


def code(reply: Reply) -> tuple[int, str]:
    shown = reply.json
    return reply.status, shown["ApiException"]["Code"] if "ApiException" in shown else shown.get("error_code", "")


def test_a_new_task_has_what_was_written_and_is_in_the_lists_of_both_apis(v3: Writer, v4: Writer) -> None:
    upload = v3.upload(b"plan", "plan.txt")
    given = {"ResponsibleId": OTHER, "AddedProjectIds": [LIST], "DueDate": DATE, "AddedApprovals": [[OTHER], [US]]}
    task = v3.made(v3.create("Order chairs", **given, AttachmentIds=[upload], AttachmentUrls=[{"Url": "http://x/y"}]))
    seen = v4.sandbox.world.v4.task(task["Id"])
    note = task["Notes"][0]
    found = v3.ask("/restapi/searchtasks", "POST", **as_json({"AuthorId": US})).json["Tasks"]
    header = next(
        one for one in v4.ask(f"/v4/lists/{LIST}/tasks?item_count=1000").json["tasks"] if one["id"] == task["Id"]
    )

    assert (task["Text"], task["Author"]["Id"], task["Responsible"]["Id"]) == ("Order chairs", US, OTHER)
    assert (task["DueDate"], task["Projects"][0]["Id"]) == (DATE, LIST)
    assert [[vote["Person"]["Id"] for vote in step] for step in task["Approvals"]] == [[OTHER], [US]]
    assert (note["Text"], note["ReassignedTo"]["Id"], note["DueDateChanged"]) == ("Order chairs", OTHER, DATE)
    assert [one["Name"] for one in note["Attachments"]] == ["plan.txt", "http://x/y"]
    assert (seen["due_date"], seen["list_ids"], "form_id" in seen) == ("2026-05-01", [LIST], False)
    assert task["Id"] in {one["Id"] for one in found}
    assert (header["text"], header["responsible"]["id"]) == ("Order chairs", OTHER)


def test_a_new_task_over_api_v4_has_what_only_v4_can_say(v4: Writer) -> None:
    parent = v4.sandbox.world.task_ids()[0]
    given = {"due": "2026-05-01T10:00:00Z", "duration": 30, "subject": "Chairs", "parent_task_id": parent}
    who = {"responsible": {"email": LEADS[1].email}, "participants": [{"id": OTHER}], "subscribers": [{"id": OTHER}]}
    plan = {"scheduled_date": "2026-06-01", "list_ids": [LIST]}
    task = v4.made(v4.create(None, formatted_text="<b>Order</b> chairs", **given, **who, **plan))
    by_v3 = json.loads(v4.sandbox.world.body(task["id"]))["TaskWithNotes"]

    assert (task["text"], task["formatted_text"]) == ("Order chairs", "<b>Order</b> chairs")
    assert {key: task[key] for key in given} == given
    assert (task["scheduled_date"], task["list_ids"]) == ("2026-06-01", [LIST])
    assert task["responsible"]["id"] == LEADS[1].id
    assert [one["id"] for one in task["participants"]] == [US, LEADS[1].id, OTHER]
    assert [one["person"]["id"] for one in task["subscribers"]] == [OTHER]
    assert task["comments"][0]["participants_added"][0]["id"] == OTHER
    assert (by_v3["DueDate"], by_v3["ParentTaskId"]) == (DATE, parent)


def test_an_account_without_others_is_responsible_and_has_the_task_in_its_inbox(v3: Writer) -> None:
    task = v3.made(v3.create("Mine"))

    assert task["Responsible"]["Id"] == US
    assert task["Id"] == v3.ask("/restapi/inbox/1").json["Tasks"][0]["Id"]


def test_a_form_over_api_v3_has_each_type_of_value(v3: Writer) -> None:
    upload = v3.upload(b"quote", "quote.pdf")
    purchase = [
        *({"FieldId": 13, "Text": "Chairs"}, {"FieldId": 14, "Number": 2.50}, {"FieldId": 15, "Amount": 100.21}),
        *({"FieldId": 16, "CatalogItem": 1601}, {"FieldId": 17, "ProjectIds": [PURCHASE.id + 3]}),
        *({"FieldId": 18, "DueDate": DATE}, {"FieldId": 19, "Flag": "Checked"}, {"FieldId": 20, "Files": [upload]}),
    ]
    support = [
        *({"FieldId": 52, "Email": "a@b.example"}, {"FieldId": 53, "Phone": {"Number": "5"}}),
        *({"FieldId": 56, "Time": {"UtcHour": 10, "UtcMinute": 53}}, {"FieldId": 58, "Checkmark": "Checked"}),
        *({"FieldId": 59, "FileUrls": [{"Url": "http://x/y", "Name": "y"}]}, {"FieldId": 60, "AssigneeId": OTHER}),
    ]
    task = v3.made(v3.v3("addform", TemplateId=PURCHASE.id, Values=purchase))
    ticket = v3.made(v3.v3("addform", TemplateId=SUPPORT.id, Values=support))
    values, more = by_field(task["Form"]), by_field(ticket["Form"])

    assert task["Text"] == "Purchase request: Chairs"
    assert [project["Id"] for project in task["Projects"]] == [PURCHASE.id]
    assert (values[13], values[14], values[15]) == ({"Text": "Chairs"}, {"Number": 2.5}, {"Decimal": 100.21})
    assert values[16]["CatalogItemValues"][0] == "Baltic Freight Lines"
    assert (values[17]["Project"]["Id"], task["DueDate"]) == (PURCHASE.id + 3, DATE)
    assert (values[18], values[19], values[20]["Files"][0]["Name"]) == (
        {"DueDate": DATE},
        {"Flag": "Checked"},
        "quote.pdf",
    )
    assert v3.file(values[20]["Files"][0]["Id"]).body == b"quote"
    assert (values[11]["Author"]["Id"], values[24]["ActivityStatus"]) == (US, "Opened")
    assert len(task["Approvals"]) == len(OF_FORM[PURCHASE.id].steps)
    assert more[52] | more[56] | more[58] == {
        "Email": "a@b.example",
        "Time": {"UtcHour": 10, "UtcMinute": 53},
        "Checkmark": "Checked",
    }
    assert (more[53]["Phone"]["Number"], more[59]["FileUrls"][0]["Name"]) == ("5", "y")
    assert (ticket["Responsible"]["Id"], more[60]["Assignee"]["Id"], more[55]) == (OTHER, OTHER, {})


def by_field(form: list[Json]) -> dict[int, Json]:
    return {one["Field"]["Id"]: {key: one[key] for key in one if key != "Field"} for one in form}


LINES, ITEM, QUANTITY, SUM = 2_147_483_704, 2_147_483_705, 2_147_483_706, 2_147_483_707
SUPPLIER, VAT, TOTAL = 2_147_483_700, 2_147_483_708, 2_147_483_709


def test_a_form_over_api_v4_has_each_type_of_value(v4: Writer) -> None:
    guid = v4.upload(b"quote", "quote.pdf")
    fields: list[Json] = [
        {"id": 72, "value": "Alder"},
        {"name": "Signatory", "value": {"id": OTHER}},
        {"id": 74, "value": {"projects": [{"id": CONTRACT.id + 2}]}},
        {"id": 76, "value": 20000.10},
        {"id": 77, "value": "2026-05-01"},
        {"id": 78, "value": "checked"},
        {"id": 79, "value": [guid, {"url": "http://x/y", "name": "y"}]},
        {"id": 201, "value": {"choice_id": 2}},
        {"id": 204, "value": "Wharf 5"},
        {"id": 206, "value": [{"cells": [{"id": 207, "value": "2026-05-02"}]}]},
        {"id": 209, "value": {"task_ids": [v4.sandbox.world.task_ids()[0]]}},
        {"id": 210, "value": {"item_ids": [1600, 1601]}},
        {"id": 211, "value": {"stars": 4}},
    ]
    task = v4.made(v4.v4(form_id=CONTRACT.id, fields=fields, approvals=[[{"id": US}]]))
    values = {one["id"]: one.get("value") for one in task["fields"]}
    rows = v4.ask(f"/v4/forms/{CONTRACT.id}/register?task_ids={task['id']}").json["tasks"]

    assert (task["text"], task["form_id"]) == ("Contract approval: Alder", CONTRACT.id)
    assert (values[72], values[73]["id"], values[76], values[77]) == ("Alder", OTHER, 20000.1, "2026-05-01")
    assert (values[74]["projects"][0]["id"], values[78]) == (CONTRACT.id + 2, "checked")
    assert [one["name"] for one in values[79]] == ["quote.pdf", "y"]
    assert v4.file(values[79][0]["id"]).body == b"quote"
    assert (values[201]["choice_names"], values[211]) == (["Normal"], {"stars": 4})
    assert values[203]["fields"][0]["value"] == "Wharf 5"
    assert values[206][0]["cells"][0]["value"] == "2026-05-02"
    assert values[209]["task_ids"] == [v4.sandbox.world.task_ids()[0]]
    assert [row[0] for row in values[210]["rows"]] == ["Alder & Finch GmbH", "Baltic Freight Lines"]
    assert [[vote["person"]["id"] for vote in step] for step in task["approvals"]] == [[US]]
    assert {one["id"] for one in rows[0]["fields"]} > {72, 73, 76, 201}


INVOICED: list[Json] = [
    {"id": SUPPLIER, "value": {"item_id": SUPPLIER * 100 + 1}},
    {"name": "VAT", "value": {"item_name": "10 % reduced"}},
    {"id": TOTAL, "value": 100.1},
]


def test_the_rows_of_a_table_are_added_changed_and_deleted_over_both_apis(v3: Writer, v4: Writer) -> None:
    rows = [{"row_id": number, "cells": [{"id": ITEM, "value": f"Item {number}"}]} for number in (1, 2)]
    task = v4.made(v4.v4(form_id=INVOICE.id, fields=[*INVOICED, {"id": LINES, "value": rows}]))
    changes = [{"row_id": 2, "delete": True}, {"row_id": 1, "cells": [{"id": SUM, "value": 12.5}]}]
    v4.made(v4.comment(task["id"], field_updates=[{"id": LINES, "value": changes}]))
    added = {"FieldId": ITEM, "RowId": 3, "Text": "Item 3"}
    told = v3.made(v3.comment(task["id"], FormChanges=[added]))
    table = next(one for one in v4.sandbox.world.v4.task(task["id"])["fields"] if one["id"] == LINES)["value"]

    assert [row["row_id"] for row in table] == [1, 3]
    assert [cell.get("value") for cell in table[0]["cells"]] == ["Item 1", None, 12.5]
    assert next(one for one in told["Form"] if one["Field"]["Id"] == LINES)["Rows"] == [{"RowId": 1}, {"RowId": 3}]
    assert told["Notes"][-1]["Form"][-1]["Text"] == "Item 3"


COMMENTS: list[tuple[Json, Json, str]] = [
    ({"ResponsibleId": OTHER}, {"reassign_to": {"id": OTHER}}, "ReassignedTo"),
    ({"DueDate": DATE}, {"due_date": "2026-05-01"}, "DueDateChanged"),
    ({"ClearDueDate": True}, {"cancel_due": True}, "DueDateRemoved"),
    ({"AddedProjectIds": [LIST]}, {"added_list_ids": [LIST]}, "AddedProjects"),
    ({"RemovedProjectIds": [LIST]}, {"removed_list_ids": [LIST]}, "RemovedProjects"),
    ({"AddedApprovals": [[US, OTHER]]}, {"approvals_added": [[{"id": US}, {"id": OTHER}]]}, "ApprovalsAdded"),
    ({"ApprovalChoice": "Approved"}, {"approval_choice": "approved"}, "ApprovalChoice"),
    ({"RerequestedApprovals": [[US]]}, {"approvals_rerequested": [[{"id": US}]]}, "ApprovalsRerequested"),
    ({"ApprovalChoice": "Rejected"}, {"approval_choice": "rejected"}, "ApprovalChoice"),
    ({"ApprovalChoice": "Revoked"}, {"approval_choice": "revoked"}, "ApprovalChoice"),
    ({"RemovedApprovals": [[OTHER]]}, {"approvals_removed": [[{"id": OTHER}]]}, "ApprovalsRemoved"),
    ({"ActivityAction": "Complete"}, {"action": "finished"}, "ActivityAction"),
    ({"ActivityAction": "Reopen"}, {"action": "reopened"}, "ActivityAction"),
    (
        {"FormChanges": [{"FieldId": 39, "Phone": {"Number": "7"}}]},
        {"field_updates": [{"id": 39, "value": "7"}]},
        "Form",
    ),
]
"""What a comment does, over API v3 and over API v4, and the property of the note that shows it."""


@pytest.mark.parametrize("api", APIS)
def test_a_comment_changes_the_task_in_each_documented_way_and_moves_its_date(sandbox: Sandbox, api: str) -> None:
    client, world = Writer(sandbox, api), sandbox.world
    task = Writer(sandbox, "v3").v3("addform", TemplateId=VACATION.id).json["TaskWithNotes"]["Id"]
    for by_v3, by_v4, shown in COMMENTS:
        before = world.register.modified[world.ordinal(task)]
        reply = client.comment(task, None, **(by_v3 if api == "v3" else by_v4))
        note = json.loads(world.body(task))["TaskWithNotes"]["Notes"][-1]

        assert (reply.status, note.keys() - {"Id", "TaskId"}) == (200, {"CreateDate", "Author", shown}), (shown, reply)
        assert world.register.modified[world.ordinal(task)] > before
    after = json.loads(world.body(task))["TaskWithNotes"]

    assert (after["Responsible"]["Id"], "DueDate" in after, "CloseDate" in after) == (OTHER, False, False)
    assert [vote.get("Choice") for vote in after["Approvals"][0] if vote["Person"]["Id"] == US] == ["Revoked"]
    assert by_field(after["Form"])[39]["Phone"]["Number"] == "7"
    assert len(after["Notes"]) == len(COMMENTS) + 1


@pytest.mark.parametrize("api", APIS)
def test_a_part_that_changes_nothing_leaves_no_trace(sandbox: Sandbox, api: str) -> None:
    client, closes = Writer(sandbox, api), {"v3": {"ActivityAction": "Complete"}, "v4": {"action": "finished"}}[api]
    made = client.made(client.create("To close"))
    task = made["Id" if api == "v3" else "id"]
    once, twice = client.comment(task, **closes), client.comment(task, **closes)
    with_text = client.comment(task, "closed already", **closes)
    notes = json.loads(sandbox.world.body(task))["TaskWithNotes"]["Notes"]

    assert once.body == twice.body != with_text.body
    assert ["ActivityAction" in note for note in notes] == [False, True, False]


def test_api_v4_says_more_in_a_comment_and_edits_only_its_own(v4: Writer) -> None:
    task = v4.made(v4.create("Talk"))["id"]
    given = {"spent_minutes": 5, "channel": {"type": "email"}, "subject": "Talks", "skip_notification": True}
    v4.made(v4.comment(task, "said", **given, subscribers_added=[{"id": OTHER}]))
    shown = v4.made(v4.comment(task, None, due="2026-05-01T10:00:00Z", duration=5))
    said, postponed = shown["comments"][1:]
    edited = v4.made(v4.v4(f"tasks/{task}/comments", text="said better", edit_comment_id=said["id"]))
    others = Writer(v4.sandbox, "v4", OTHER).v4(f"tasks/{task}/comments", text="no", edit_comment_id=said["id"])

    assert (said["spent_minutes"], said["channel"], said["subject"]) == (5, {"type": "email"}, "Talks")
    assert (shown["subject"], shown["subscribers"][0]["person"]["id"]) == ("Talks", OTHER)
    assert (postponed["due"], postponed["duration"], shown["due"]) == ("2026-05-01T10:00:00Z", 5, postponed["due"])
    assert [one.get("text") for one in edited["comments"]] == ["Talk", "said better", None]
    assert code(others) == (403, "access_denied_task")


REFUSED_BY_V3: list[tuple[str, Json, int, str]] = [
    ("addtask", {}, 400, "BehavioralEmptyText"),
    ("addtask", {"Text": "x", "DueDate": "2026-05-01"}, 400, "BadFormatDate"),
    ("addtask", {"Text": "x", "ResponsibleId": "he"}, 400, "BadFormatInteger"),
    ("addtask", {"Text": "x", "ResponsibleId": 5}, 403, "BehavioralPersonAccessViolation"),
    ("addtask", {"Text": "x", "AddedProjectIds": [5]}, 403, "BehavioralProjectAccessViolation"),
    ("addtask", {"Text": "x", "AttachmentIds": ["5"]}, 400, "BehavioralUnrecognizedAttachmentId"),
    ("addtask", {"Text": "x", "Colour": "red"}, 400, "BadFormat"),
    ("addtask", {"Text": "x", "ParentTaskId": 5}, 404, "TaskNotFound"),
    ("addform", {}, 400, "BadFormat"),
    ("addform", {"TemplateId": 5}, 403, "BehavioralTemplateAccessViolation"),
    ("addform", {"TemplateId": PURCHASE.id, "Values": [{"Text": "x"}]}, 400, "BadFormat"),
    ("addform", {"TemplateId": PURCHASE.id, "Values": [{"FieldId": 13, "Number": 5}]}, 400, "BadFormat"),
    ("addform", {"TemplateId": PURCHASE.id, "Values": [{"FieldId": 14, "Number": "five"}]}, 400, "BadFormat"),
    ("addform", {"TemplateId": PURCHASE.id, "Values": [{"FieldId": 16, "CatalogItem": 5}]}, 400, "BadFormat"),
    (
        "addform",
        {"TemplateId": PURCHASE.id, "Values": [{"FieldId": 5, "Text": "x"}]},
        400,
        "BehavioralIrrelevantTemplateFieldIdSpecified",
    ),
    ("addcomment", {"TaskId": 5, "Text": "x"}, 404, "TaskNotFound"),
    ("addcomment", {"FormChanges": [{"FieldId": 40, "AssigneeId": OTHER}]}, 400, "BadFormat"),
    ("addcomment", {"ApprovalChoice": "Approved"}, 403, "BehavioralTaskAccessViolation"),
    ("addcomment", {"ActivityAction": "Burn"}, 400, "BadFormat"),
]


def test_api_v3_refuses_with_the_codes_that_the_page_lists(v3: Writer) -> None:
    task = v3.made(v3.create("x"))["Id"]
    before, count = v3.task(task), len(v3.sandbox.world)
    for method, given, status, name in REFUSED_BY_V3:
        reply = v3.v3(method, **({"TaskId": task} if method == "addcomment" else {}) | given)

        assert code(reply) == (status, name), (method, given, reply.body)
    person = v3.v3("addtask", Text="x", ResponsibleId=5).json["ApiException"]

    assert (v3.task(task), len(v3.sandbox.world)) == (before, count)
    assert person["PersonId"] == 5


REFUSED_BY_V4: list[tuple[Json, int, str]] = [
    ({}, 400, "text_missing"),
    ({"text": "x", "fields": [{"id": 72, "value": "x"}]}, 400, "form_id_missing"),
    ({"text": "x", "formatted_text": "x"}, 403, "both_text_and_formatted_text_specified"),
    ({"text": "x", "due": "2026-05-01T10:00:00Z", "due_date": "2026-05-01"}, 400, "either_due_date_or_due_can_be_set"),
    ({"text": "x", "duration": 5}, 400, "due_missing"),
    ({"text": "x", "due": "2026-05-01T10:00:00Z", "duration": -5}, 400, "negative_duration"),
    ({"text": "x", "due_date": "tomorrow"}, 400, "invalid_value_format"),
    ({"text": "x", "responsible": {"id": 5}}, 400, "invalid_person_id"),
    ({"text": "x", "responsible": {"email": "who@x.example"}}, 400, "invalid_email"),
    ({"text": "x", "responsible": {}}, 400, "person_identity_missing"),
    ({"text": "x", "list_ids": [5]}, 403, "access_denied_project"),
    ({"text": "x", "list_ids": [CONTRACT.id]}, 400, "add_task_to_list_forbidden"),
    ({"text": "x", "attachments": ["5"]}, 400, "unrecognized_attachment_id"),
    ({"text": "x", "attachments": [{"attachment_id": 5}]}, 400, "unrecognized_attachment_id"),
    ({"text": "x", "colour": "red"}, 400, "invalid_value_format"),
    ({"text": "x", "parent_task_id": 5}, 403, "access_denied_task"),
    ({"form_id": 5}, 403, "access_denied_form"),
    ({"form_id": INVOICE.id, "fields": [*INVOICED[:2], {"id": 5, "value": "x"}]}, 400, "invalid_field_id"),
    ({"form_id": INVOICE.id, "fields": [{"name": "Colour", "value": "x"}]}, 400, "invalid_field_name"),
    ({"form_id": INVOICE.id, "fields": [{"value": "x"}]}, 400, "field_identity_missing"),
    ({"form_id": INVOICE.id, "fields": [*INVOICED, INVOICED[0]]}, 400, "duplicate_field"),
    ({"form_id": INVOICE.id, "fields": [{"id": ITEM, "value": "x"}]}, 400, "field_is_in_table"),
    ({"form_id": INVOICE.id, "fields": INVOICED[1:]}, 400, "required_field_missing"),
    ({"form_id": INVOICE.id, "fields": [{"id": TOTAL, "value": 1.005}]}, 400, "too_many_decimal_places"),
    ({"form_id": INVOICE.id, "fields": [{"id": TOTAL, "value": "1"}]}, 400, "invalid_value_format"),
    ({"form_id": INVOICE.id, "fields": [{"id": VAT, "value": {"item_id": 5}}]}, 400, "invalid_catalog_item_id"),
    (
        {"form_id": INVOICE.id, "fields": [{"id": VAT, "value": {"item_id": VAT * 100, "item_name": "x"}}]},
        400,
        "catalog_item_id_name_mismatch",
    ),
    ({"form_id": CONTRACT.id, "fields": [{"id": 82, "value": {"id": US}}]}, 400, "field_editing_is_not_allowed"),
    ({"form_id": CONTRACT.id, "fields": [{"id": 77, "value": "2026-02-30"}]}, 400, "invalid_value_format"),
    ({"form_id": CONTRACT.id, "fields": [{"id": 201, "value": {"choice_id": 1}}]}, 400, "invalid_value_format"),
]


def test_api_v4_refuses_with_the_codes_of_the_vendors_client(v4: Writer) -> None:
    count = len(v4.sandbox.world)
    for given, status, name in REFUSED_BY_V4:
        reply = v4.v4(**given)

        assert code(reply) == (status, name), (given, reply.body)
    simple = v4.made(v4.create("x"))["id"]
    without_form = v4.comment(simple, field_updates=[{"id": 72, "value": "x"}])

    assert code(without_form) == (400, "task_has_no_form")
    assert len(v4.sandbox.world) == count + 1


@pytest.mark.parametrize("api", APIS)
def test_an_account_writes_only_where_it_has_the_rights(api: str) -> None:
    world = World(seed=7, tasks=40)
    with Sandbox(world, readers=(STAFF[2].id,), accounts={"b": STAFF[2].id, "c": OTHER}) as sandbox:
        reader, writer = Writer(sandbox, api, STAFF[2].id), Writer(sandbox, api, OTHER)
        task = world.task_ids()[0]
        directory = world.v4.directory
        directory.grant(OTHER, VACATION.id, "none")
        replies = [reader.create("x"), reader.comment(task, "x")]
        no_form = writer.v3("addform", TemplateId=VACATION.id) if api == "v3" else writer.v4(form_id=VACATION.id)
        directory.close_form(CONTRACT.id)
        closed = writer.v3("addform", TemplateId=CONTRACT.id) if api == "v3" else writer.v4(form_id=CONTRACT.id)

    denied = {"v3": "BehavioralTemplateAccessViolation", "v4": "access_denied_form"}[api]
    assert [reply.status for reply in replies] == [403, 403]
    assert code(no_form) == (403, denied)
    assert code(closed) == (403, {"v3": denied, "v4": "form_is_deleted"}[api])


@pytest.mark.parametrize("api", APIS)
def test_a_refused_write_does_not_use_up_its_upload_and_a_large_one_is_refused(api: str) -> None:
    with Sandbox(World(1, tasks=2), most_bytes=10) as sandbox:
        client = Writer(sandbox, api)
        upload, key = client.upload(b"short", "a.txt"), {"v3": "AttachmentIds", "v4": "attachments"}[api]
        refused = client.create(None, **{key: [upload]})
        taken = client.create("With a file", **{key: [upload]})
        again = client.create("With a file", **{key: [upload]})
        path = {"v3": "/restapi/upload", "v4": "/v4/files/upload"}[api]
        large = client.ask(path, "POST", **as_form(b"x" * 11, "b.txt"))

    assert [reply.status for reply in (refused, taken, again)] == [400, 200, 400]
    assert code(large) == {"v3": (403, "BehavioralMaxContentLengthExceeded"), "v4": (400, "attachment_too_big")}[api]


@pytest.mark.parametrize("api", APIS)
def test_a_comment_reopens_a_closed_task_if_the_server_does_so(api: str) -> None:
    world = World(seed=7, tasks=30)
    closed = [one for one in world.task_ids() if "CloseDate" in world.task(one)["TaskWithNotes"]]
    with Sandbox(world, reopening=True) as sandbox:
        Writer(sandbox, api).comment(closed[0], "Not yet")
        Writer(sandbox, "v4").comment(closed[1], "Just saying", skip_auto_reopen=True)

    assert ["CloseDate" in world.task(one)["TaskWithNotes"] for one in closed[:2]] == [False, True]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(("fault", "applied"), [("reset", 0), ("lost", 1), ("gateway", 1), ("late", 0)])
def test_the_next_writes_lose_their_answers_on_demand(api: str, fault: Any, applied: int) -> None:
    """`reset` loses the request, `lost` and `gateway` the answer; `late` carries it out after the client has gone."""
    world = World(1, tasks=3)
    task = world.task_ids()[0]

    def said() -> int:
        return sum(note.get("Text") == "Once" for note in world.task(task)["TaskWithNotes"]["Notes"])

    with Sandbox(world) as sandbox:
        client = Writer(sandbox, api)
        sandbox.fail(1, fault, "writes")
        assert client.task(task), "reads are answered"
        if fault == "gateway":
            assert client.comment(task, "Once").status == 502
        else:
            with pytest.raises(ConnectionError):
                client.comment(task, "Once")
        assert said() == applied
        assert sandbox.release() == (fault == "late")
        assert said() == (fault != "reset")
        assert client.comment(task, "Twice").status == 200
        assert sandbox.requests.faults == {fault: 1}


def test_a_share_of_the_writes_loses_its_answers_and_all_count_in_the_quota() -> None:
    world = World(1, tasks=3)
    faults = Faults(lost=0.5, endpoints=("writes",))
    with Sandbox(world, quota=(45, 3600), faults=faults) as sandbox:
        client, lost = Writer(sandbox, "v3"), 0
        for number in range(40):
            try:
                client.create(f"Task {number}")
            except ConnectionError:
                lost += 1
        refused = [client.ask("/restapi/profile").status for _ in range(6)]

    assert 10 < lost < 30
    assert len(world) == 43
    assert refused == [200] * 5 + [429]
