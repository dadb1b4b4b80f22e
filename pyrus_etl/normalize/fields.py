"""The value of a form field → the value columns: one function a field type, in a registry.

To add a type, write its function here and its case in tests/normalize. A type that is not here keeps all its
properties in `value_json`. The types stand under "FormField" on the vendor's page, https://pyrus.com/en/api-v3.
A function may raise ValueError: the value cannot be read.
"""

from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from pyrus_etl.model.form import CatalogItem, Phone, TimeOfDay
from pyrus_etl.model.person import Person
from pyrus_etl.model.project import Project
from pyrus_etl.model.read import salvage
from pyrus_etl.model.values import parse_day, parse_instant
from pyrus_etl.normalize.person import person
from pyrus_etl.normalize.project import project
from pyrus_etl.schema.form import Value
from pyrus_etl.schema.rows import Rows

Properties = dict[str, Any]
Reader = Callable[[str, Properties, Rows], Value]
Struct = TypeVar("Struct", bound=msgspec.Struct)

FIELD_TYPES: dict[str, Reader] = {}

_CHECKED = {"Checked": True, "Unchecked": False}
# Digits that PostgreSQL holds before and behind the point: https://www.postgresql.org/docs/current/datatype-numeric.html
_MOST_DIGITS, _MOST_DECIMALS = 131072, 16383
_encode = msgspec.json.Encoder(decimal_format="number").encode


def value_of(field_type: str | None, properties: Properties, rows: Rows) -> Value:
    """The value columns of one field; all null where the field is empty."""
    return FIELD_TYPES.get(field_type or "", anything_else)(field_type or "", properties, rows)


def reads(*field_types: str) -> Callable[[Reader], Reader]:
    """Registers a function for these field types."""

    def register(reader: Reader) -> Reader:
        FIELD_TYPES.update(dict.fromkeys(field_types, reader))
        return reader

    return register


@reads("Text", "Email", "ActivityStatus")
def text(name: str, properties: Properties, rows: Rows) -> Value:
    return Value(value_text=_told(properties, name, str))


@reads("Note")
def tooltip(name: str, properties: Properties, rows: Rows) -> Value:
    return Value(value_text=_told(properties, "Tooltip", str))


@reads("Phone")
def phone(name: str, properties: Properties, rows: Rows) -> Value:
    told = _struct(properties, name, Phone, rows)
    return Value(value_text=" ".join(part for part in (told.prefix, told.number) if part) or None if told else None)


@reads("Checkmark", "Flag")
def checked(name: str, properties: Properties, rows: Rows) -> Value:
    word = _told(properties, name, str)
    return Value(value_text=word, value_bool=_CHECKED.get(word or ""))


@reads("Number", "Decimal", "ApprovalStep")
def number(name: str, properties: Properties, rows: Rows) -> Value:
    amount = _told(properties, name, (int, Decimal))
    return Value(value_number=None if amount is None else _storable(Decimal(amount)))


@reads("Date", "DueDate")
def day(name: str, properties: Properties, rows: Rows) -> Value:
    told = properties.get(name)
    return Value(value_date=None if told is None else parse_day(told))


@reads("ApprovalDate", "CreationDate")
def instant(name: str, properties: Properties, rows: Rows) -> Value:
    told = properties.get(name)
    return Value(value_timestamp=None if told is None else parse_instant(told))


@reads("Time")
def time_of_day(name: str, properties: Properties, rows: Rows) -> Value:
    told = msgspec.convert(properties.get(name) or {}, TimeOfDay)  # half a time that can be read is no time
    if told.utc_hour is None and told.utc_minute is None:
        return Value()
    return Value(value_time=time(told.utc_hour or 0, told.utc_minute or 0))


@reads("Person", "Assignee", "Author", "ApprovalPerson")
def person_met(name: str, properties: Properties, rows: Rows) -> Value:
    return Value(value_person_id=person(rows, _struct(properties, name, Person, rows)))


@reads("Project")
def project_met(name: str, properties: Properties, rows: Rows) -> Value:
    return Value(value_project_id=project(rows, _struct(properties, name, Project, rows)))


@reads("Catalog")
def catalog_item(name: str, properties: Properties, rows: Rows) -> Value:
    rest = {key: told for key, told in properties.items() if key != "CatalogItemId"}
    item = _struct({"item": properties}, "item", CatalogItem, rows)
    return Value(value_catalog_item_id=item.catalog_item_id if item else None, value_json=_json(rest))


@reads("Title", "Files", "FileUrls", "ExternalFormAuthor", "Unknown")
def anything_else(name: str, properties: Properties, rows: Rows) -> Value:
    return Value(value_json=_json(properties))


def _told(properties: Properties, name: str, kind: Any) -> Any:
    """The property where it is of this kind, types of plain JSON; None where it is absent or null."""
    told = properties.get(name)
    if told is None or (isinstance(told, kind) and not isinstance(told, bool)):
        return told
    raise ValueError(f"{name}: unexpected {type(told).__name__}")


def _struct(properties: Properties, name: str, kind: type[Struct], rows: Rows) -> Struct | None:
    """The property as a struct, what cannot be read of it left out and counted."""
    if properties.get(name) is None:
        return None
    read, unreadable = salvage(properties[name], kind)
    rows.unreadable += unreadable
    return read


def _json(properties: Properties) -> bytes | None:
    told = {name: told for name, told in properties.items() if told is not None}
    return _encode(told) if told else None


def _storable(amount: Decimal) -> Decimal:
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{amount} is not a number")
    if amount.adjusted() >= _MOST_DIGITS or exponent < -_MOST_DECIMALS:
        raise ValueError(f"the number has more digits than PostgreSQL holds: {amount:.10E}")
    return amount
