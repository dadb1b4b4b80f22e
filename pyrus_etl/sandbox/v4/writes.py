"""POST tasks and POST tasks/{id}/comments (https://pyrus.com/en/help/api/tasks), as what they mean for the tasks.

Unknown properties are refused, so that a client's mistake does not pass.
"""

from __future__ import annotations

import html
import re
from typing import Any, Literal

import msgspec

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.by_id import PROJECTS
from pyrus_etl.sandbox.organisation.clock import midnight
from pyrus_etl.sandbox.organisation.forms import Kind
from pyrus_etl.sandbox.tasks.comments import Comment, Due, Steps, whole_day
from pyrus_etl.sandbox.v3.newvalues import FILLABLE
from pyrus_etl.sandbox.v3.writes import title
from pyrus_etl.sandbox.v4 import dates
from pyrus_etl.sandbox.v4.attached import files, guids
from pyrus_etl.sandbox.v4.newvalues import Filled, NewValue, filled
from pyrus_etl.sandbox.v4.persons import person_id, person_ids, steps
from pyrus_etl.sandbox.v4.tree import FORMS
from pyrus_etl.sandbox.world.newtasks import NewTask, workflow
from pyrus_etl.sandbox.world.world import World

Json = dict[str, Any]

ACTIONS = {"finished": "Complete", "reopened": "Reopen", None: ""}
"""The action of a comment, and its name in API v3."""
GROUPS = (
    *("participants_added", "participants_removed"),
    *("subscribers_added", "subscribers_removed", "subscribers_rerequested"),
)
TAG = re.compile(r"<[^>]*>")


class Common(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What tasks and comments have in common."""

    text: str | None = None
    formatted_text: str | None = None
    subject: str | None = None
    attachments: Any = None
    due: str | None = None
    due_date: str | None = None
    duration: int | None = None
    scheduled_date: str | None = None
    scheduled_datetime_utc: str | None = None
    cancel_schedule: bool | None = None


class CreateTask(Common):
    form_id: int | None = None
    fields: list[NewValue] | None = None
    approvals: list[list[Any]] | None = None
    responsible: Any = None
    participants: list[Any] | None = None
    subscribers: list[Any] | None = None
    list_ids: list[int] | None = None
    parent_task_id: int | None = None
    fill_defaults: bool | None = None


class AddComment(Common):
    action: Literal["finished", "reopened"] | None = None
    approval_choice: Literal["approved", "rejected", "revoked", "acknowledged"] | None = None
    approval_steps: list[int] | None = None
    reassign_to: Any = None
    field_updates: list[NewValue] | None = None
    approvals_added: list[list[Any]] | None = None
    approvals_removed: list[list[Any]] | None = None
    approvals_rerequested: list[list[Any]] | None = None
    participants_added: list[Any] | None = None
    participants_removed: list[Any] | None = None
    subscribers_added: list[Any] | None = None
    subscribers_removed: list[Any] | None = None
    subscribers_rerequested: list[Any] | None = None
    added_list_ids: list[int] | None = None
    removed_list_ids: list[int] | None = None
    cancel_due: bool | None = None
    channel: Json | None = None
    spent_minutes: int | None = None
    edit_comment_id: int | None = None
    skip_notification: bool | None = None
    skip_satisfaction: bool | None = None
    skip_auto_reopen: bool | None = None


def new_task(world: World, given: CreateTask, author: int) -> NewTask:
    if given.form_id is not None:
        return new_form(world, given, given.form_id, author)
    text = text_of(given)
    if not text:
        raise Refused("text_missing" if given.fields is None else "form_id_missing")
    if given.fields or given.approvals:
        raise Refused("form_id_missing", about="Only a form has fields and approvals.")
    return NewTask(text=text, opening=opening(world, given, author, Filled(), ()), parent=given.parent_task_id)


def new_form(world: World, given: CreateTask, form_id: int, author: int) -> NewTask:
    kind, definition = world.kind_of(form_id), world.v4.directory.form(form_id, author)
    if kind is None or definition is None:
        raise Refused("access_denied_form")
    if definition.get("deleted_or_closed"):
        raise Refused("form_is_deleted")
    found = filled(world, kind, definition, given.fields or ())
    complete(kind, definition, found)
    asked = steps(given.approvals) if given.approvals is not None else workflow(kind)
    first = opening(world, given, author, found, asked)
    return NewTask(text=title(kind, found.values), opening=first, kind=kind, parent=given.parent_task_id)


def complete(kind: Kind, definition: Json, found: Filled) -> None:
    """Refuses a form without a field that its first step requires."""
    there = {one.field.id for one in found.values if one.written or one.files}
    there |= {one.head["id"] for one in found.extras if one.value is not None}
    fixed = {one.id for one in kind.fields if one.type not in FILLABLE}
    for one in definition["fields"]:
        required = one.get("info", {}).get("required_step") == 1
        if required and one["id"] not in there | fixed:
            raise Refused("required_field_missing", about=f"Field {one['id']} ({one['name']}) is required.")


def opening(world: World, given: CreateTask, author: int, found: Filled, asked: Steps) -> Comment:
    """The first comment of a task. Its fields for the due date and the assignee set those of the task."""
    due_fields = [one for one in found.values if one.field.type == "DueDate" and one.written]
    assignees = [one for one in found.values if one.field.type == "Assignee" and one.written]
    responsible = None if given.responsible is None else person_id(given.responsible)
    groups = {"participants_added": given.participants, "subscribers_added": given.subscribers}
    return Comment(
        author=author,
        text=text_of(given),
        files=files(world, given.attachments),
        responsible=id_in(assignees[0].written["Assignee"]) if assignees else responsible,
        due=whole_day(dates.instant(due_fields[0].written["DueDate"])) if due_fields else due(given),
        added_projects=lists(given.list_ids),
        approvals_added=asked,
        values=tuple(one for one in found.values if one.field.type not in ("DueDate", "Assignee")),
        extras=tuple(found.extras),
        beside=beside(given, groups),
    )


def id_in(person: msgspec.Raw) -> int:
    found: int = msgspec.json.decode(person)["Id"]
    return found


def new_comment(world: World, ordinal: int, given: AddComment, author: int) -> Comment:
    found = updates(world, ordinal, given, author)
    dues = [one for one in found.values if one.field.type == "DueDate" and one.written]
    choice = (given.approval_choice or "").capitalize()
    plain = {key: value for key in ("channel", "spent_minutes") if (value := getattr(given, key)) is not None}
    acknowledged = {"approval_choice": "acknowledged"} if choice == "Acknowledged" else {}
    return Comment(
        author=author,
        text=text_of(given),
        files=files(world, given.attachments),
        action=ACTIONS[given.action],
        choice="" if acknowledged else choice,
        steps=tuple(given.approval_steps or ()),
        responsible=None if given.reassign_to is None else person_id(given.reassign_to),
        due=whole_day(dates.instant(dues[0].written["DueDate"])) if dues else due(given),
        clears_due=bool(given.cancel_due),
        added_projects=lists(given.added_list_ids),
        removed_projects=tuple(given.removed_list_ids or ()),
        approvals_added=steps(given.approvals_added),
        approvals_removed=steps(given.approvals_removed),
        approvals_rerequested=steps(given.approvals_rerequested),
        values=tuple(one for one in found.values if one.field.type != "DueDate"),
        extras=tuple(found.extras),
        edits=place_of(world, ordinal, given.edit_comment_id, author),
        beside=beside(given, {key: getattr(given, key) for key in GROUPS}) | plain | acknowledged,
    )


def updates(world: World, ordinal: int, given: AddComment, author: int) -> Filled:
    if not given.field_updates:
        return Filled()
    form_id = world.v4.form_of(ordinal)
    definition = None if form_id is None else world.v4.directory.form(form_id, author)
    if definition is None:
        raise Refused("task_has_no_form" if form_id is None else "access_denied_form")
    found = filled(world, world.kind(ordinal), definition, given.field_updates)
    if any(one.field.type == "Assignee" for one in found.values):
        raise Refused("field_editing_is_not_allowed", about="A comment changes the assignee by reassign_to.")
    return found


def place_of(world: World, ordinal: int, comment_id: int | None, author: int) -> int | None:
    """The place of the comment that is edited; refused if the account has not written it."""
    if comment_id is None:
        return None
    comments = world.v4.task(world.id_of(ordinal), author)["comments"]
    places = world.draft(ordinal, world.events(ordinal)).places
    for place, one in zip(places, comments, strict=False):
        if one["id"] == comment_id and one["author"]["id"] == author:
            return place
    raise Refused("access_denied_task", about=f"The comment {comment_id} is not the account's own.")


def text_of(given: Common) -> str:
    """The plain text; the tags of a formatted one are left out."""
    if given.text and given.formatted_text:
        raise Refused("both_text_and_formatted_text_specified")
    return given.text or html.unescape(TAG.sub("", given.formatted_text or ""))


def due(given: Common) -> Due | None:
    """The due date as a day, or as a time with a duration in minutes."""
    if given.due and given.due_date:
        raise Refused("either_due_date_or_due_can_be_set")
    if given.duration is not None and not given.due:
        raise Refused("due_missing")
    if given.duration is not None and given.duration < 0:
        raise Refused("negative_duration")
    if given.due_date:
        return whole_day(midnight(dates.given(given.due_date)))
    if not given.due:
        return None
    instant = dates.given(given.due)
    shown = {"due": dates.moment(instant)} | ({} if given.duration is None else {"duration": given.duration})
    return Due(midnight(instant), shown)


def lists(given: list[int] | None) -> tuple[int, ...]:
    for one in given or ():
        if one not in PROJECTS:
            raise Refused("add_task_to_list_forbidden" if one in FORMS else "access_denied_project")
    return tuple(given or ())


def beside(given: Common, groups: dict[str, list[Any] | None]) -> Json:
    """What API v3 has no words for."""
    persons = {key: person_ids(several) for key, several in groups.items() if several}
    keys = ("formatted_text", "subject", "scheduled_date", "scheduled_datetime_utc", "cancel_schedule")
    return {key: value for key in keys if (value := getattr(given, key))} | persons


def upload_ids(given: CreateTask | AddComment) -> list[str]:
    """The uploads that a request names, those in fields included."""
    fields = given.fields if isinstance(given, CreateTask) else given.field_updates
    inner = [one for field in fields or () for one in guids_in(msgspec.json.decode(field.value))]
    return [*guids(given.attachments), *inner]


def guids_in(value: Any) -> list[str]:
    """The ids of uploads anywhere in a value; text alone may be one."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for one in inner for found in guids_in(one)]
