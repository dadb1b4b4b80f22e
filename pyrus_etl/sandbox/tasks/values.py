"""The values of form fields: one function for each field type of https://pyrus.com/en/api-v3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.clock import DAY, midnight, wire
from pyrus_etl.sandbox.organisation.dice import Dice
from pyrus_etl.sandbox.organisation.forms import Field
from pyrus_etl.sandbox.tasks.drafts import Draft
from pyrus_etl.sandbox.tasks.files import attachment, file_id

Json = dict[str, Any]
Value = Callable[[Draft, Field, Dice], Json]

VALUES: dict[str, Value] = {}
FORM_FILES = 512  # above the numbers of the notes' files


def of_type(name: str) -> Callable[[Value], Value]:
    """Registers the function that writes the values of a field type."""

    def register(value: Value) -> Value:
        VALUES[name] = value
        return value

    return register


def form_value(draft: Draft, field: Field, dice: Dice, row: int | None = None, *, sure: bool = False) -> Json:
    """A FormValue. One in twenty is empty, unless it is `sure`: it has only its field."""
    empty = dice.roll(20) == 0 and not sure
    written: Json = {"Field": field.json} if row is None else {"Field": field.json, "RowId": row}
    return written if empty else written | VALUES[field.type](draft, field, dice)


def amount(cents: int, dice: Dice) -> msgspec.Raw:
    """Money as JSON text; one amount in sixty has digits that a float would lose."""
    if dice.roll(60) == 0:
        return msgspec.Raw(f"{cents // 100}.{cents % 100:02}{dice.roll(10**9):09}{dice.roll(10**9):09}".encode())
    return msgspec.Raw(f"{cents // 100}.{cents % 100:02}".encode())


@of_type("Text")
def text(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"Text": dice.pick(field.choices)}


@of_type("Email")
@of_type("ExternalFormAuthor")
def address(draft: Draft, field: Field, dice: Dice) -> Json:
    company = dice.pick(field.choices)
    domain = "".join(letter for letter in company.lower() if letter.isascii() and letter.isalpha())
    return {field.type: f"office@{domain or 'mail'}.example"}


@of_type("Decimal")
def decimal(draft: Draft, field: Field, dice: Dice) -> Json:
    low, high = field.choices
    return {"Decimal": amount(low * 100 + dice.roll((high - low) * 100), dice)}


@of_type("Number")
def number(draft: Draft, field: Field, dice: Dice) -> Json:
    low, high = field.choices
    whole = low + dice.roll(high - low)
    return {"Number": msgspec.Raw(b"%d.5" % whole) if dice.roll(6) == 0 else whole}


@of_type("Date")
def date(draft: Draft, field: Field, dice: Dice) -> Json:
    low, high = field.choices
    return {"Date": wire(midnight(draft.case.dates[0]) + DAY * (low + dice.roll(high - low)))}


@of_type("DueDate")
def due_date(draft: Draft, field: Field, dice: Dice) -> Json:
    return {} if draft.due is None else {"DueDate": wire(draft.due)}


@of_type("CreationDate")
def creation_date(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"CreationDate": wire(draft.case.dates[0])}


@of_type("Time")
def time(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"Time": {"UtcHour": dice.roll(24), "UtcMinute": dice.roll(60)}}


@of_type("Phone")
def phone(draft: Draft, field: Field, dice: Dice) -> Json:
    prefix = None if dice.roll(8) == 0 else dice.pick(field.choices)
    return {"Phone": {"Prefix": prefix, "Number": f"{200_000_000 + dice.roll(700_000_000)}"}}


@of_type("Checkmark")
def checkmark(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"Checkmark": dice.pick(("Checked", "Unchecked"))}


@of_type("Flag")
def flag(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"Flag": dice.pick(("None", "Checked", "Unchecked"))}


@of_type("Person")
def person(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"Person": dice.pick(field.choices).brief}


@of_type("Author")
def author(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"Author": draft.case.author.full}


@of_type("Assignee")
def assignee(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"Assignee": draft.responsible}


@of_type("ApprovalPerson")
def approval_person(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"ApprovalPerson": draft.decided[0]} if draft.decided else {}


@of_type("ApprovalDate")
def approval_date(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"ApprovalDate": draft.decided[1]} if draft.decided else {}


@of_type("ApprovalStep")
def approval_step(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"ApprovalStep": draft.step()}


@of_type("ActivityStatus")
def activity_status(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"ActivityStatus": "Closed" if draft.closed else "Opened"}


@of_type("Project")
def project(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"Project": dice.pick(field.choices).json}


@of_type("Catalog")
def catalog(draft: Draft, field: Field, dice: Dice) -> Json:
    header, *items = field.choices
    place = dice.roll(len(items))
    return {
        "CatalogItemId": field.id * 100 + place,
        "CatalogItemValues": [items[place], f"{field.id}-{place:03}"],
        "CatalogHeaders": [header, "Code"],
    }


@of_type("Files")
def files(draft: Draft, field: Field, dice: Dice) -> Json:
    return {
        "Files": [
            attachment(
                draft.origin,
                file_id(draft.case.ordinal, FORM_FILES + dice.roll(500)),
                dice.pick(field.choices),
            )
        ]
    }


@of_type("FileUrls")
def file_urls(draft: Draft, field: Field, dice: Dice) -> Json:
    name = dice.pick(field.choices)
    return {"FileUrls": [{"Url": f"https://pictures.example/{dice.roll(10**9)}", "Name": name}]}


@of_type("Note")
def note(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"Tooltip": field.choices[0]}


@of_type("Title")
def title(draft: Draft, field: Field, dice: Dice) -> Json:
    return {"Checkmark": "Checked"} if dice.chance(30) else {}


@of_type("Unknown")
def unknown(draft: Draft, field: Field, dice: Dice) -> Json:
    return {}
