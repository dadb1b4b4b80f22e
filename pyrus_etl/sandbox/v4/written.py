"""What only API v4 shows of comments and tasks that accounts wrote by an API."""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.tasks.comments import Comment, Extra
from pyrus_etl.sandbox.tasks.drafts import Draft
from pyrus_etl.sandbox.v4.people import SHOWN

Json = dict[str, Any]

DUES = ("due", "due_date", "duration")
OF_TASKS = ("subject", "scheduled_date", "scheduled_datetime_utc", "formatted_text")
GROUPS = ("participants", "subscribers")


def beside(comments: list[Json], places: list[int], draft: Draft) -> None:
    """Adds to the comments what API v3 has no words for."""
    for shown, place in zip(comments, places, strict=True):
        if place in draft.by_api:
            complete(shown, draft.by_api[place], draft.notes[draft.places.index(place)])


def complete(shown: Json, comment: Comment, note: Json) -> None:
    shown.update({key: persons(value) if isinstance(value, tuple) else value for key, value in comment.beside.items()})
    if comment.due and "DueDateChanged" in note:
        replace_due(shown, comment.due.shown)
    if comment.extras:
        updates = [one.head | {"value": one.value} for one in comment.extras]
        shown["field_updates"] = [*shown.get("field_updates", ()), *updates]


def replace_due(shown: Json, due: Json) -> None:
    for key in DUES:
        shown.pop(key, None)
    shown |= due


def of_task(shown: Json, draft: Draft) -> Json:
    """The task with what its comments say of it: due date, subject, plan, participants, subscribers."""
    if draft.due_written and draft.due_written.day == draft.due:
        replace_due(shown, draft.due_written.shown)
    for number, comment in enumerate(draft.by_api.values()):
        apply(shown, comment, opening=draft.case.made and number == 0)
    return shown


def apply(shown: Json, comment: Comment, *, opening: bool) -> None:
    given = comment.beside
    for key in OF_TASKS:
        if key in given and (opening or key != "formatted_text"):
            shown[key] = given[key]
    if given.get("cancel_schedule") or "scheduled_date" in given:
        shown.pop("scheduled_datetime_utc", None)
    if given.get("cancel_schedule") or "scheduled_datetime_utc" in given:
        shown.pop("scheduled_date", None)
    for group in GROUPS:
        change_group(shown, group, given)


def change_group(shown: Json, group: str, given: Json) -> None:
    """Adds persons to the participants or subscribers, and removes persons."""
    added, removed = given.get(f"{group}_added", ()), given.get(f"{group}_removed", ())
    if not (added or removed):
        return
    wraps = group == "subscribers"
    there = [one for one in shown.get(group, ()) if id_of(one, wraps=wraps) not in (*added, *removed)]
    new = [{"person": SHOWN[one]} if wraps else SHOWN[one] for one in added]
    shown[group] = there + new


def persons(ids: tuple[int, ...]) -> list[msgspec.Raw]:
    return [SHOWN[one] for one in ids]


def id_of(shown: Any, *, wraps: bool) -> int | None:
    person = shown["person"] if wraps else shown
    for number, raw in SHOWN.items():
        if raw is person:
            return number
    return person.get("id") if isinstance(person, dict) else None


def overlay(fields: list[Json], definitions: list[Json], written: dict[int, Extra]) -> list[Json]:
    """The fields with the values that accounts wrote; a field that a test added is there once it has a value."""
    there = {one["id"] for one in fields}
    shown = [filled(one, definitions, written) for one in fields]
    inner = {one["id"] for definition in definitions for one in inside(definition)}
    added = [extra for field_id, extra in written.items() if field_id not in there | inner]
    return shown + [one.head | {"value": one.value} for one in added if one.value is not None]


def filled(field: Json, definitions: list[Json], written: dict[int, Extra]) -> Json:
    """A field with its new value, and with those of the fields inside."""
    extra = written.get(field["id"])
    if extra:
        field = extra.head | ({} if extra.value is None else {"value": extra.value})
    definition = next((one for one in definitions if one["id"] == field["id"]), {})
    children = [written[one["id"]] for one in inside(definition) if one["id"] in written]
    if not children:
        return field
    value = field.get("value") or {"checkmark": "checked"}
    replaced = {one.head["id"] for one in children}
    kept = [one for one in value.get("fields", ()) if one["id"] not in replaced]
    new = [one.head | ({} if one.value is None else {"value": one.value}) for one in children]
    return field | {"value": value | {"fields": kept + new}}


def inside(definition: Json) -> list[Json]:
    """The fields inside a title, and those below the choices of a field."""
    info = definition.get("info", {})
    below = [one for option in info.get("options", ()) for one in option.get("fields", ())]
    return [*info.get("fields", ()), *below]
