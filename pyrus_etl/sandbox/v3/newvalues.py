"""NewFormValue of API v3: one key for each type of field (https://pyrus.com/en/api-v3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.by_id import PERSONS, person
from pyrus_etl.sandbox.organisation.forms import Field, Kind
from pyrus_etl.sandbox.tasks.comments import File, Value
from pyrus_etl.sandbox.v3.lists import instant
from pyrus_etl.sandbox.world.world import World

Json = dict[str, Any]


NONE = msgspec.Raw()


class Strict(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, kw_only=True):
    pass


class Time(Strict):
    utc_hour: int
    utc_minute: int


class Phone(Strict):
    number: str
    prefix: str | None = None


class FileUrl(Strict):
    url: str
    name: str | None = None


class Row(Strict):
    row_id: int


class NewFormValue(Strict):
    """The vendor's structure. Numbers keep their digits."""

    field_id: int
    text: str | None = None
    number: msgspec.Raw = NONE
    amount: msgspec.Raw = NONE
    date: str | None = None
    due_date: str | None = None
    project_id: int | None = None
    project_ids: list[int] | None = None
    person_id: int | None = None
    assignee_id: int | None = None
    checkmark: Literal["Checked", "Unchecked"] | None = None
    flag: Literal["None", "Checked", "Unchecked"] | None = None
    time: Time | None = None
    phone: Phone | None = None
    files: list[str] | None = None
    file_urls: list[FileUrl] | None = None
    email: str | None = None
    catalog_item: int | None = None
    row_id: int | None = None
    rows: list[Row] | None = None


Write = Callable[[World, Field, Any], Json]

OWN = ("field_id", "row_id")


def value(world: World, kind: Kind, given: NewFormValue) -> Value:
    """The value for a field of this kind of task; refused if there is no such field, or if it is of another type."""
    field = next((one for one in kind.fields if one.id == given.field_id), None)
    if field is None:
        raise Refused("BehavioralIrrelevantTemplateFieldIdSpecified", about=f"The form has no field {given.field_id}.")
    keys = [key for key in given.__struct_fields__ if key not in OWN and is_given(getattr(given, key))]
    if (field.parent is None) != (given.row_id is None) or len(keys) > 1:
        raise Refused("BadFormat", about=f"Field {field.id} needs one value, and a RowId if it is in a table.")
    if not keys:
        return Value(field=field, row=given.row_id)
    if keys[0] not in KEYS.get(field.type, {}):
        raise Refused("BadFormat", about=f"Field {field.id} ({field.type}) does not take {keys[0]}.")
    return written(world, field, keys[0], given)


def is_given(value: Any) -> bool:
    return value is not None and not (isinstance(value, msgspec.Raw) and bytes(value) in (b"", b"null"))


def written(world: World, field: Field, key: str, given: NewFormValue) -> Value:
    if key == "files":
        found = world.uploads.find(given.files or [], world.clock.now())
        files: tuple[File, ...] = tuple(world.file(one.name, one.content) for one in found)
        return Value(field=field, files=files, row=given.row_id)
    return Value(field=field, written=KEYS[field.type][key](world, field, getattr(given, key)), row=given.row_id)


def number(key: str) -> Write:
    """A number as it was written; refused if it is something else."""

    def write(world: World, field: Field, given: msgspec.Raw) -> Json:
        text = bytes(given)
        if text[:1] not in b"-0123456789":
            raise Refused("BadFormat", about=f"Field {field.id}: {text.decode()} is not a number.")
        return {key: msgspec.Raw(text)}

    return write


def date(key: str) -> Write:
    def write(world: World, field: Field, given: str) -> Json:
        instant(given)
        return {key: given}

    return write


def same(key: str) -> Write:
    return lambda world, field, given: {key: given}


def of_person(key: str) -> Write:
    return lambda world, field, given: {key: PERSONS[person(given)].brief}


def project(world: World, field: Field, given: int | list[int]) -> Json:
    """One item of a list field."""
    ids = [given] if isinstance(given, int) else given
    found = [one for one in field.choices if one.id in ids]
    if len(found) < len(ids) or not ids:
        raise Refused("BehavioralProjectAccessViolation", properties={"ProjectId": next(iter(ids), 0)})
    if len(found) > 1:
        raise Refused("BadFormat", about=f"Field {field.id} takes one list item.")
    return {"Project": found[0].json}


def time(world: World, field: Field, given: Time) -> Json:
    if not (0 <= given.utc_hour < 24 and 0 <= given.utc_minute < 60):
        raise Refused("BadFormat", about=f"Field {field.id}: there is no such time.")
    return {"Time": {"UtcHour": given.utc_hour, "UtcMinute": given.utc_minute}}


def catalog(world: World, field: Field, given: int) -> Json:
    found = world.v4.directory.item(field, given)
    if found is None:
        raise Refused("BadFormat", about=f"The catalog of field {field.id} has no item {given}.")
    return found


def urls(world: World, field: Field, given: list[FileUrl]) -> Json:
    return {"FileUrls": [{"Url": one.url, "Name": one.name or one.url} for one in given]}


KEYS: dict[str, dict[str, Write]] = {
    "Text": {"text": same("Text")},
    "Email": {"email": same("Email")},
    "Number": {"number": number("Number")},
    "Decimal": {"amount": number("Decimal")},
    "Date": {"date": date("Date")},
    "DueDate": {"due_date": date("DueDate")},
    "Project": {"project_id": project, "project_ids": project},
    "Person": {"person_id": of_person("Person")},
    "Assignee": {"assignee_id": of_person("Assignee")},
    "Checkmark": {"checkmark": same("Checkmark")},
    "Flag": {"flag": same("Flag")},
    "Time": {"time": time},
    "Phone": {"phone": lambda world, field, given: {"Phone": {"Prefix": given.prefix, "Number": given.number}}},
    "Files": {"files": same("Files")},
    "FileUrls": {"file_urls": urls},
    "Catalog": {"catalog_item": catalog},
    "Title": {"checkmark": same("Checkmark")},
}
"""Type of a field → the keys that it takes, and how each is shown."""
FILLABLE = KEYS.keys() - {"Title", "Assignee", "DueDate"}
"""Types that have no value if nobody writes one."""
