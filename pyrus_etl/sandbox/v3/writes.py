"""AddTask, AddForm and AddComment of API v3 (https://pyrus.com/en/api-v3), as what they mean for the organisation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.by_id import person, project
from pyrus_etl.sandbox.organisation.clock import DAY
from pyrus_etl.sandbox.organisation.forms import KINDS, Kind
from pyrus_etl.sandbox.tasks.comments import Comment, Due, File, Steps, Value, whole_day
from pyrus_etl.sandbox.v3.lists import instant
from pyrus_etl.sandbox.v3.newvalues import NewFormValue, value
from pyrus_etl.sandbox.world.newtasks import NewTask, workflow
from pyrus_etl.sandbox.world.world import World


class Url(msgspec.Struct, rename="pascal", forbid_unknown_fields=True):
    url: str
    name: str | None = None


class Files(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, kw_only=True):
    """The files of a new task, form or comment."""

    attachment_ids: list[str] | None = None
    attachment_urls: list[Url] | None = None


class AddTask(Files):
    text: str | None = None
    responsible_id: int | None = None
    added_project_ids: list[int] | None = None
    due_date: str | None = None
    added_approvals: list[list[int] | None] | None = None
    subject: str | None = None
    parent_task_id: int | None = None


class AddForm(Files):
    template_id: int
    values: list[NewFormValue] | None = None
    responsible_id: int | None = None
    parent_task_id: int | None = None


class AddComment(Files):
    task_id: int
    text: str | None = None
    responsible_id: int | None = None
    added_project_ids: list[int] | None = None
    removed_project_ids: list[int] | None = None
    due_date: str | None = None
    clear_due_date: bool | None = None
    added_approvals: list[list[int] | None] | None = None
    removed_approvals: list[list[int] | None] | None = None
    rerequested_approvals: list[list[int] | None] | None = None
    activity_action: Literal["None", "Complete", "MarkAsDuplicate", "MarkAsIrrelevant", "Reopen"] | None = None
    approval_choice: Literal["Waiting", "Approved", "Rejected", "Revoked"] | None = None
    form_changes: list[NewFormValue] | None = None
    approval_stage: int | None = None
    subject: str | None = None


def new_task(world: World, given: AddTask, author: int) -> NewTask:
    if not given.text:
        raise Refused("BehavioralEmptyText")
    opening = Comment(
        author=author,
        text=given.text,
        files=files(world, given),
        responsible=optional_person(given.responsible_id),
        due=day(given.due_date),
        added_projects=tuple(project(one) for one in given.added_project_ids or ()),
        approvals_added=steps(given.added_approvals),
        beside={"subject": given.subject} if given.subject else {},
    )
    return NewTask(text=given.text, opening=opening, kind=KINDS[0], parent=given.parent_task_id)


def new_form(world: World, given: AddForm, author: int) -> NewTask:
    kind = world.kind_of(given.template_id)
    defined = world.v4.directory.form(given.template_id, author)
    if kind is None or defined is None or defined.get("deleted_or_closed"):
        raise Refused("BehavioralTemplateAccessViolation", properties={"TemplateId": given.template_id})
    values = written_values(world, kind, given.values)
    assignees = [one.assignee_id for one in given.values or () if one.assignee_id is not None]
    responsible = optional_person(next(iter(assignees), given.responsible_id))
    opening = opening_of(kind, values, author, files(world, given), responsible)
    return NewTask(text=title(kind, values), opening=opening, kind=kind, parent=given.parent_task_id)


def new_comment(world: World, given: AddComment, kind: Kind, author: int) -> Comment:
    for one in given.form_changes or ():
        if one.assignee_id is not None or one.due_date is not None:
            raise Refused("BadFormat", about="A comment changes the assignee and the due date by its own properties.")
    return Comment(
        author=author,
        text=given.text or "",
        files=files(world, given),
        action="" if given.activity_action in (None, "None") else given.activity_action,
        choice="" if given.approval_choice in (None, "Waiting") else given.approval_choice,
        steps=() if given.approval_stage is None else (given.approval_stage,),
        responsible=optional_person(given.responsible_id),
        due=day(given.due_date),
        clears_due=bool(given.clear_due_date),
        added_projects=tuple(project(one) for one in given.added_project_ids or ()),
        removed_projects=tuple(given.removed_project_ids or ()),
        approvals_added=steps(given.added_approvals),
        approvals_removed=steps(given.removed_approvals),
        approvals_rerequested=steps(given.rerequested_approvals),
        values=tuple(written_values(world, kind, given.form_changes)),
        beside={"subject": given.subject} if given.subject else {},
    )


def written_values(world: World, kind: Kind, given: Iterable[NewFormValue] | None) -> list[Value]:
    """The values of a form. `Rows` alone says nothing: the cells name their rows."""
    return [value(world, kind, one) for one in given or () if one.rows is None]


def opening_of(
    kind: Kind, values: Sequence[Value], author: int, attached: tuple[File, ...], responsible: int | None
) -> Comment:
    """The first comment of a form. The assignee and the due date of the task are those of its fields."""
    dates = [one.written["DueDate"] for one in values if "DueDate" in one.written]
    return Comment(
        author=author,
        files=attached,
        responsible=responsible,
        due=day(dates[0]) if dates else None,
        approvals_added=workflow(kind),
        values=tuple(one for one in values if one.field.type not in ("Assignee", "DueDate")),
    )


def title(kind: Kind, values: Iterable[Value]) -> str:
    """The text of a form's task: its name and its first text."""
    texts = [one.written["Text"] for one in values if "Text" in one.written]
    return f"{kind.name}: {texts[0]}" if texts else kind.name


def files(world: World, given: Files) -> tuple[File, ...]:
    """The uploads, which are not used up yet, and the links."""
    links = [world.file(one.name or one.url, b"", url=one.url) for one in given.attachment_urls or ()]
    return (*uploaded(world, given.attachment_ids or []), *links)


def uploaded(world: World, ids: Sequence[str]) -> tuple[File, ...]:
    if len(set(ids)) < len(ids):
        raise Refused("BehavioralUnrecognizedAttachmentId")
    return tuple(world.file(one.name, one.content) for one in world.uploads.find(ids, world.clock.now()))


def upload_ids(given: Files, values: Iterable[NewFormValue]) -> list[str]:
    """All uploads that a request names."""
    return [*(given.attachment_ids or ()), *(one for each in values for one in each.files or ())]


def optional_person(person_id: int | None) -> int | None:
    return None if person_id is None else person(person_id)


def day(date: str | None) -> Due | None:
    found = instant(date)
    return None if found is None else whole_day(found - found % DAY)


def steps(given: list[list[int] | None] | None) -> Steps:
    return tuple(tuple(person(one) for one in step or ()) for step in given or ())
