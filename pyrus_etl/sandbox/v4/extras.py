"""What only API v4 says: properties of tasks and comments that v3 does not have, and the newer types of fields."""

from __future__ import annotations

from typing import Any

from pyrus_etl.sandbox.organisation.clock import HOUR
from pyrus_etl.sandbox.organisation.dice import Dice
from pyrus_etl.sandbox.organisation.forms import CONTRACT
from pyrus_etl.sandbox.organisation.people import STAFF
from pyrus_etl.sandbox.organisation.phrases import COMPANIES
from pyrus_etl.sandbox.tasks.cases import Case, task_id
from pyrus_etl.sandbox.tasks.files import attachment, file_id
from pyrus_etl.sandbox.v4.catalogs import FIRST_ID
from pyrus_etl.sandbox.v4.people import ROLES, SHOWN
from pyrus_etl.sandbox.v4.values import file

Json = dict[str, Any]

FORM = "Contract approval"
STEPS = ("Review", "Legal check", "Payment")
CHANNELS = ("email", "telegram", "web", "max_messenger", "carrier_pigeon")
CHOICES = ("Low", "Normal", "Urgent")
SUPPLIERS = 16
FILE = 1015
LINK = {"form_id": CONTRACT.id}
CATALOG = {"catalog_id": FIRST_ID + SUPPLIERS, "multiple_choice": True}
OPTIONS: list[Json] = [
    {"choice_id": number, "choice_value": name} | ({"deleted": True} if number == 1 else {})
    for number, name in enumerate(CHOICES, 1)
]
REASON = {"id": 202, "type": "text", "name": "Reason", "parent_id": 201}
OPTIONS[2]["fields"] = [REASON]
ADDRESS = {"id": 204, "type": "text", "name": "Address", "parent_id": 203}
ARRIVAL = {"id": 205, "type": "due_date_time", "name": "Arrives at", "parent_id": 203}
VISIT = {"id": 207, "type": "date", "name": "Visited on", "parent_id": 206}
REPORT = {"id": 208, "type": "file", "name": "Report", "parent_id": 206}
DEFINITIONS: list[Json] = [
    {"id": 201, "type": "multiple_choice", "name": "Priority", "info": {"options": OPTIONS, "code": "priority"}},
    {"id": 203, "type": "title", "name": "Delivery", "info": {"fields": [ADDRESS, ARRIVAL]}},
    {"id": 206, "type": "table", "name": "Visits", "info": {"columns": [VISIT, REPORT], "is_table": True}},
    {"id": 209, "type": "form_link", "name": "Earlier contracts", "info": LINK},
    {"id": 210, "type": "catalog", "name": "Bidders", "info": CATALOG},
    {"id": 211, "type": "rating", "name": "Rating"},
]


def definitions(form: str) -> list[Json]:
    """The newer fields of a form; all contracts have them."""
    return DEFINITIONS if form.startswith(FORM) else []


def fields(case: Case, origin: str) -> list[Json]:
    """The values of these fields in a task. One field in five is empty; in a few tasks, an id is there twice."""
    if not case.kind.name.startswith(FORM):
        return []
    dice = Dice(case.word, 201)
    rating = {"stars": dice.roll(6)}
    values = (choice(dice), delivery(dice), visits(case, dice, origin), links(case, dice), bidders(dice), rating)
    heads = [head(one) for one in DEFINITIONS]
    if case.made:
        return heads
    shown = [head if dice.chance(20) else head | {"value": one} for head, one in zip(heads, values, strict=True)]
    return [*shown, heads[0] | {"value": choice(dice)}] if dice.chance(8) else shown


def head(definition: Json) -> Json:
    """What a task shows of a field that has no value."""
    return {key: definition[key] for key in ("id", "type", "name", "parent_id") if key in definition}


def choice(dice: Dice) -> Json:
    """One choice or several; a field below the third one is filled if that is chosen."""
    chosen = sorted({1 + dice.roll(3), 1 + dice.roll(3)})
    shown: Json = {"choice_ids": chosen, "choice_names": [CHOICES[number - 1] for number in chosen]}
    inside = {"fields": [REASON | {"value": dice.pick(COMPANIES)}]} if 3 in chosen else {}
    return ({"choice_id": chosen[0]} if len(chosen) == 1 else {}) | shown | inside


def delivery(dice: Dice) -> Json:
    arrival = {"value": f"2026-05-{1 + dice.roll(28):02}T{dice.roll(24):02}:30:00Z", "duration": 45}
    return {"checkmark": "checked", "fields": [ADDRESS | {"value": dice.pick(COMPANIES)}, ARRIVAL | arrival]}


def visits(case: Case, dice: Dice, origin: str) -> list[Json]:
    """The rows of a table, each with its place, a date and a file."""
    rows = []
    for row in range(1 + dice.roll(3)):
        report = file(attachment(origin, file_id(case.ordinal, FILE + row), "visit.pdf"))
        cells = [VISIT | {"value": f"2026-04-{1 + dice.roll(30):02}"}, REPORT | {"value": [report]}]
        rows.append({"row_id": row, "position": row + 1, "cells": [cell | {"row_id": row} for cell in cells]})
    return rows


def links(case: Case, dice: Dice) -> Json:
    linked = sorted({task_id(max(case.ordinal - 1 - dice.roll(9), 0)) for _ in range(1 + dice.roll(2))})
    return {"task_ids": linked, "subject": "Earlier contract"} | ({"task_id": linked[0]} if len(linked) == 1 else {})


def bidders(dice: Dice) -> Json:
    """One or two items of the catalog of suppliers."""
    places = sorted({dice.roll(len(COMPANIES) - 1), dice.roll(len(COMPANIES) - 1)})
    rows = [[COMPANIES[place], f"{SUPPLIERS}-{place:03}"] for place in places]
    items = [SUPPLIERS * 100 + place for place in places]
    shown: Json = {"item_ids": items, "headers": ["Company", "Code"], "rows": rows}
    return shown | ({"item_id": items[0], "values": rows[0]} if len(places) == 1 else {})


def properties(case: Case, shown: Json) -> Json:
    """The further properties of a task: a few for each task, drawn once."""
    dice = Dice(case.word, 202)
    found: Json = {}
    if case.made:
        return found | taking_part(shown) | steps_of(shown, dice)
    if dice.chance(20):
        found["subject"] = case.text
    if dice.chance(10):
        found["formatted_text"] = f"<b>{case.text}</b>" if dice.chance(70) else ""
    if dice.chance(8):
        found["linked_task_ids"] = [task_id(max(case.ordinal - 1 - dice.roll(20), 0))]
    if dice.chance(25):
        found["subscribers"] = subscribers(dice)
    found |= taking_part(shown)
    if dice.chance(10):
        timed = {"scheduled_datetime_utc": "2026-06-01T08:30:00Z"}
        found |= timed if dice.chance(50) else {"scheduled_date": "2026-06-01"}
    return found | steps_of(shown, dice)


def taking_part(shown: Json) -> Json:
    """The participants of a simple task."""
    if "form_id" in shown:
        return {}
    return {"participants": [shown["author"], *([shown["responsible"]] if "responsible" in shown else [])]}


def steps_of(shown: Json, dice: Dice) -> Json:
    """The approval steps so far."""
    if not shown.get("current_step"):
        return {}
    names = (*STEPS, "Added step", "Added step")
    numbers = range(1, min(shown["current_step"], len(names)) + 1)
    return {"steps": [{"step": one, "name": names[one - 1], "elapsed_time": dice.roll(90) * HOUR} for one in numbers]}


def subscribers(dice: Dice) -> list[Json]:
    """Persons, a role, and now and then somebody without an id."""
    found: list[Json] = [{"person": SHOWN[dice.pick(STAFF).id]}]
    if dice.chance(40):
        found.append({"person": SHOWN[dice.pick(STAFF).id], "approval_choice": "acknowledged"})
    if dice.chance(30):
        role = {"id": ROLES[0]["id"], "first_name": "", "last_name": ROLES[0]["name"], "type": "role"}
        found.append({"person": role})
    if dice.chance(10):
        found.append({"person": {"first_name": "Guest", "last_name": "", "type": "user"}})
    return found


def of_comments(case: Case, comments: list[Json], by_api: list[bool]) -> None:
    """Adds the further properties of comments that were not written by an API.

    They depend on the comment's id, so that they never change.
    """
    first = comments[0]["id"] if comments else None
    for comment in (one for one, is_by_api in zip(comments, by_api, strict=True) if not is_by_api):
        dice = Dice(case.word, comment["id"])
        if dice.chance(10):
            comment["spent_minutes"] = 5 + dice.roll(90)
        if dice.chance(10):
            comment["mentions"] = [dice.pick(STAFF).id]
        if dice.chance(10):
            comment["channel"] = {"type": dice.pick(CHANNELS), "to": {"name": "Office"}}
        if dice.chance(10) and comment["id"] != first:
            comment["reply_note_id"] = first
