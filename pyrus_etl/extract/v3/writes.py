"""Writes by the restapi: "AddTask", "AddForm" and "AddComment" on https://pyrus.com/en/api-v3."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pyrus_etl.client.client import Client
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.extract.v3.dialect import DIALECT
from pyrus_etl.extract.v3.read import read_stored
from pyrus_etl.extract.v3.stream import read_list
from pyrus_etl.extract.v3.wire import TaskList
from pyrus_etl.extract.writer import Call, Newest, Uploads, Writes, plain, properties, when_given
from pyrus_etl.model.write import COMMENT, OF_FILES, TASK, TypedValue, Write, is_url

MOST_LISTED = 1000
A_MOMENT = timedelta(minutes=1)
"""How much earlier than its request a task may have been made, by the dates of a list."""


def wire_date(day: date | datetime) -> str:
    """A day, or an instant, as the restapi writes it; a day is its midnight in UTC."""
    instant = day if isinstance(day, datetime) else datetime.combine(day, time(), UTC)
    return f"/Date({(instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)})/"


Names = Mapping[str, tuple[str, Callable[[Any], Any]]]
_OF_TASK: Names = {
    "text": ("Text", plain),
    "subject": ("Subject", plain),
    "responsible_id": ("ResponsibleId", plain),
    "due_date": ("DueDate", wire_date),
    "approvals": ("AddedApprovals", plain),
    "added_project_ids": ("AddedProjectIds", plain),
    "parent_task_id": ("ParentTaskId", plain),
}
_OF_FORM: Names = {
    "form_id": ("TemplateId", plain),
    "responsible_id": ("ResponsibleId", plain),
    "parent_task_id": ("ParentTaskId", plain),
}
_OF_COMMENT: Names = {
    **{name: served for name, served in _OF_TASK.items() if name != "parent_task_id"},
    "clear_due_date": ("ClearDueDate", plain),
    "approval_choice": ("ApprovalChoice", plain),
    "approval_stage": ("ApprovalStage", plain),
    "activity_action": ("ActivityAction", plain),
    "removed_approvals": ("RemovedApprovals", plain),
    "rerequested_approvals": ("RerequestedApprovals", plain),
    "removed_project_ids": ("RemovedProjectIds", plain),
}
_FILES = {"attachments": None}
_FIELDS = {"form_values": None}


def _time(value: time) -> dict[str, int]:
    return {"UtcHour": value.hour, "UtcMinute": value.minute}


_VALUES: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "Text": ("Text", plain),
    "Email": ("Email", plain),
    "Number": ("Number", plain),
    "Decimal": ("Amount", plain),
    "Date": ("Date", wire_date),
    "DueDate": ("DueDate", wire_date),
    "Time": ("Time", _time),
    "Checkmark": ("Checkmark", plain),
    "Flag": ("Flag", plain),
    "Phone": ("Phone", lambda number: {"Number": number}),
    "Person": ("PersonId", lambda ids: ids[0]),
    "Assignee": ("AssigneeId", lambda ids: ids[0]),
    "Project": ("ProjectIds", list),
    "Catalog": ("CatalogItem", lambda ids: ids[0]),
    "Files": ("Files", plain),
    "FileUrls": ("FileUrls", plain),
}
"""Type of a field → the property of NewFormValue that takes its value."""
_EMPTY = ("Text", "Email")
"""Types whose values can be cleared: by an empty text."""
_IN_COMMENTS = {"Assignee": "responsible_id", "DueDate": "due_date"}


def _complaints(write: Write) -> Iterator[str]:
    if write.approval_choice == "Acknowledged":
        yield "API v3 has no approval choice Acknowledged"
    if write.form_id is not None and write.text is not None:
        yield "API v3 makes the text of a form's task from its fields"
    for each in write.values:
        yield from _complaints_of(each, write.action)


def _complaints_of(value: TypedValue, action: str) -> Iterator[str]:
    field = f"field {value.field_id}"
    if value.type not in _VALUES:
        yield f"{field}: API v3 cannot write a {value.type}"
    elif (
        value.type in OF_FILES
        and isinstance(value.value, tuple)
        and len({is_url(str(each)) for each in value.value}) > 1
    ):
        yield f"{field}: API v3 takes either files or addresses"
    elif value.value is None and value.type not in _EMPTY:
        yield f"{field}: API v3 cannot clear a {value.type}"
    elif value.type == "Catalog" and len(value.items) > 1:
        yield f"{field}: API v3 takes one item of a catalog"
    elif action == COMMENT and value.type in _IN_COMMENTS:
        yield f"{field}: API v3 changes a {value.type} by {_IN_COMMENTS[value.type]}"


def _call(write: Write, uploads: Uploads) -> Call:
    files = _files(write.attachments or (), uploads, "AttachmentIds", "AttachmentUrls")
    values = [_value(each, uploads) for each in write.values]
    if write.action == COMMENT:
        body = {"TaskId": write.task_id, **when_given(write, _OF_COMMENT), **files}
        return Call("PUT", "/restapi/addcomment", body | ({"FormChanges": values} if values else {}))
    if write.action == TASK:
        return Call("PUT", "/restapi/addtask", {**when_given(write, _OF_TASK), **files})
    body = {**when_given(write, _OF_FORM), **({"Values": values} if values else {}), **files}
    return Call("PUT", "/restapi/addform", body)


def _files(files: Any, uploads: Uploads, of_ids: str, of_urls: str) -> dict[str, Any]:
    ids = [uploads[file] for file in files if not is_url(file)]
    links = [{"Url": file, "Name": name_of(file)} for file in files if is_url(file)]
    return ({of_ids: ids} if ids else {}) | ({of_urls: links} if links else {})


def name_of(url: str) -> str:
    """The last part of an address, as the name of the file."""
    return url.partition("?")[0].rstrip("/").rpartition("/")[2] or url


def _value(value: TypedValue, uploads: Uploads) -> dict[str, Any]:
    row = {} if value.row_id is None else {"RowId": value.row_id}
    if value.type in OF_FILES:
        return {"FieldId": value.field_id, **row, **_files(value.value, uploads, "Files", "FileUrls")}
    name, encode = _VALUES[value.type]
    encoded = "" if value.value is None else encode(value.value)
    return {"FieldId": value.field_id, **row, name: _number(encoded)}


def _number(value: Any) -> Any:
    """A whole number without a fraction, as the pages show it."""
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


def of_author(account_id: int, since: datetime) -> dict[str, Any]:
    """What the search is asked for the newest tasks of an account."""
    return {
        "AuthorId": account_id,
        "IncludeClosedTasks": True,
        "MaximumItemsCount": MOST_LISTED,
        "ActiveFrom": wire_date(since - A_MOMENT),
    }


def newest_in(listed: TaskList) -> Newest:
    """The tasks of an answer of the search."""
    dates = [] if listed.has_more else [each.modified_date for each in listed.headers if each.modified_date]
    return Newest(frozenset(each.id for each in listed.headers), max(dates, default=None))


async def _newest(client: Client, write: Write, account_id: int, since: datetime, to_the_end: bool) -> Newest:
    request = Request("POST", "/restapi/searchtasks", read_list, of_author(account_id, since))
    outcome = await client.ask(request)
    return newest_in(outcome.value[0]) if isinstance(outcome, Answer) else Newest()


WRITES = Writes(
    "API v3",
    DIALECT,
    properties(
        comment={**_OF_COMMENT, **_FILES, **_FIELDS},
        task={**_OF_TASK, **_FILES},
        form_task={**_OF_FORM, **_FILES, **_FIELDS},
    ),
    _complaints,
    _call,
    lambda task_id: f"/restapi/v3/task/{task_id}",
    read_stored,
    _newest,
    uses_uploads_up=True,
)
