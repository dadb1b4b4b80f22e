"""Values of form fields as clients write them over API v4, one function for each type of field.

The fields that API v3 has too become FormValues; the others are kept as API v4 shows them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.by_id import PERSONS
from pyrus_etl.sandbox.organisation.clock import wire
from pyrus_etl.sandbox.organisation.forms import Field, Kind
from pyrus_etl.sandbox.tasks.comments import Extra, Value
from pyrus_etl.sandbox.v4 import dates
from pyrus_etl.sandbox.v4.attached import files
from pyrus_etl.sandbox.v4.extravalues import extra_value, head
from pyrus_etl.sandbox.v4.persons import person_id
from pyrus_etl.sandbox.world.world import World

Json = dict[str, Any]
Write = Callable[[World, Field, Any, Json], Json]

DAY = re.compile(r"\d{4}-\d\d-\d\d")
NULL = msgspec.Raw(b"null")
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
COMPUTED = (
    *("Author", "CreationDate", "ActivityStatus", "ApprovalStep", "ApprovalPerson", "ApprovalDate"),
    *("Note", "ExternalFormAuthor", "Unknown"),
)


class NewValue(msgspec.Struct):
    """A field of a request, by its id or its name; other properties of the client's structure are ignored."""

    id: int | None = None
    name: str | None = None
    value: msgspec.Raw = NULL


class Filled(msgspec.Struct):
    """What a request says about the fields of a form."""

    values: list[Value] = []
    extras: list[Extra] = []


def filled(world: World, kind: Kind, definition: Json, given: Sequence[NewValue]) -> Filled:
    """The values for the fields of a form, as it is defined now."""
    found = Filled()
    seen: set[int] = set()
    for one in given:
        defined = definition_of(definition, one)
        if defined["id"] in seen:
            raise Refused("duplicate_field", about=f"Field {defined['id']} is there twice.")
        seen.add(defined["id"])
        field = next((each for each in kind.fields if each.id == defined["id"]), None)
        if field is None:
            found.extras.append(Extra(head(defined), extra_value(world, defined, read(one.value))))
        elif "columns" in defined.get("info", {}):
            found.values += table(world, kind, field, defined, read(one.value))
        else:
            found.values.append(value(world, field, defined, one.value))
    return found


def definition_of(form: Json, given: NewValue) -> Json:
    """The definition of the field that is named; those inside titles and below choices are fields of their own."""
    if given.id is None and given.name is None:
        raise Refused("field_identity_missing")
    everything: list[Json] = [*form["fields"], *(inner for one in form["fields"] for inner in inside(one))]
    for one in everything:
        if given.id == one["id"] or (given.id is None and given.name == one["name"]):
            return one
    for one in form["fields"]:
        if any(given.id == column["id"] for column in one.get("info", {}).get("columns", ())):
            raise Refused("field_is_in_table", about=f"Field {given.id} is in the table {one['id']}.")
    code = "invalid_field_name" if given.id is None else "invalid_field_id"
    raise Refused(code, about=f"The form has no field {given.id if given.id is not None else given.name!r}.")


def inside(defined: Json) -> list[Json]:
    info = defined.get("info", {})
    return [*info.get("fields", ()), *(one for option in info.get("options", ()) for one in option.get("fields", ()))]


def read(raw: msgspec.Raw) -> Any:
    return msgspec.json.decode(raw)


def value(world: World, field: Field, defined: Json, raw: msgspec.Raw, row: int | None = None) -> Value:
    given = read(raw)
    if field.type in COMPUTED:
        raise Refused("field_editing_is_not_allowed", about=f"Field {field.id} cannot be set.")
    if given is None:
        return Value(field=field, row=row)
    if field.type in ("Files", "FileUrls"):
        return Value(field=field, files=files(world, given), row=row)
    written = number(field, defined, raw) if field.type in NUMBERS else WRITE[field.type](world, field, given, defined)
    return Value(field=field, written=written, row=row)


def table(world: World, kind: Kind, title: Field, defined: Json, given: Any) -> list[Value]:
    """The cells of some rows; a row that is marked with `delete` goes. A row without a number is a new one."""
    rows = given if given is not None else []
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise wrong(title)
    gone = tuple(one["row_id"] for one in rows if one.get("delete"))
    found = [Value(field=title, gone=gone)] if gone else []
    columns = {one["id"]: one for one in defined["info"]["columns"]}
    for place, row in enumerate(one for one in rows if not one.get("delete")):
        number = row.get("row_id", place + 1)
        for cell in msgspec.convert(row.get("cells", ()), list[Json]):
            if cell.get("id") not in columns:
                raise Refused("invalid_field_id", about=f"The table {title.id} has no column {cell.get('id')}.")
            raw = msgspec.Raw(msgspec.json.encode(cell.get("value")))
            found.append(value(world, kind.field(cell["id"]), columns[cell["id"]], raw, number))
    return found


def wrong(field: Field) -> Refused:
    return Refused("invalid_value_format", about=f"Field {field.id} ({field.type}) does not take this value.")


def text(key: str) -> Write:
    def write(world: World, field: Field, given: Any, defined: Json) -> Json:
        if not isinstance(given, str):
            raise wrong(field)
        return {key: given}

    return write


def word(*words: str) -> Write:
    def write(world: World, field: Field, given: Any, defined: Json) -> Json:
        if given not in words:
            raise wrong(field)
        return {field.type: given.capitalize()}

    return write


def number(field: Field, defined: Json, raw: msgspec.Raw) -> Json:
    """A number with the digits that were sent."""
    try:
        digits = bytes(raw).decode()
        places = -int(Decimal(digits).as_tuple().exponent)
    except (InvalidOperation, ValueError):
        raise wrong(field) from None
    if places > defined.get("info", {}).get("decimal_places", places):
        raise Refused("too_many_decimal_places", about=f"Field {field.id}: {digits} has too many decimal places.")
    return {field.type: msgspec.Raw(digits.encode())}


def date(world: World, field: Field, given: Any, defined: Json) -> Json:
    if not isinstance(given, str) or not DAY.fullmatch(given):
        raise wrong(field)
    return {field.type: wire(dates.given(given))}


def time(world: World, field: Field, given: Any, defined: Json) -> Json:
    found = TIME.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise wrong(field)
    return {"Time": {"UtcHour": int(found[1]), "UtcMinute": int(found[2])}}


def phone(world: World, field: Field, given: Any, defined: Json) -> Json:
    if not isinstance(given, str):
        raise wrong(field)
    return {"Phone": {"Prefix": None, "Number": given}}


def person(world: World, field: Field, given: Any, defined: Json) -> Json:
    return {field.type: PERSONS[person_id(given)].brief}


def project(world: World, field: Field, given: Any, defined: Json) -> Json:
    """`{"projects": [{"id": 5}]}`, as tasks show it."""
    try:
        ids = [one["id"] for one in given["projects"]]
    except (TypeError, KeyError):
        raise wrong(field) from None
    if len(ids) != 1:
        raise Refused("field_cannot_have_multiple_values")
    found = next((one for one in field.choices if one.id == ids[0]), None)
    if found is None:
        raise Refused("access_denied_project")
    return {"Project": found.json}


def catalog(world: World, field: Field, given: Any, defined: Json) -> Json:
    """`{"item_id": 5}`, `{"item_ids": [5]}` or `{"item_name": "…"}`."""
    if not isinstance(given, dict):
        raise wrong(field)
    ids = given.get("item_ids") or [given.get("item_id")]
    if ids == [None]:
        ids = [world.v4.directory.item_named(field, given.get("item_name"))]
    if len(ids) > 1:
        raise Refused("field_cannot_have_multiple_values", about=f"Field {field.id} takes one item.")
    found = world.v4.directory.item(field, ids[0])
    if found is None:
        raise Refused("invalid_catalog_item_id", about=f"The catalog of field {field.id} has no such item.")
    if given.get("item_name") not in (None, found["CatalogItemValues"][0]):
        raise Refused("catalog_item_id_name_mismatch")
    return found


def title(world: World, field: Field, given: Any, defined: Json) -> Json:
    mark = given.get("checkmark") if isinstance(given, dict) else given
    return {"Checkmark": word("checked", "unchecked")(world, field, mark, defined)[field.type]}


NUMBERS = ("Number", "Decimal")
WRITE: dict[str, Write] = {
    "Text": text("Text"),
    "Email": text("Email"),
    "Date": date,
    "DueDate": date,
    "Time": time,
    "Phone": phone,
    "Checkmark": word("checked", "unchecked"),
    "Flag": word("none", "checked", "unchecked"),
    "Person": person,
    "Assignee": person,
    "Project": project,
    "Catalog": catalog,
    "Title": title,
}
