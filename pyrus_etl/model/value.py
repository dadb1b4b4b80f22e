"""The kinds of value that a form field can have."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

import msgspec

from pyrus_etl.model.person import Person
from pyrus_etl.model.project import Project


class Flag(msgspec.Struct, frozen=True, gc=False):
    """A checkmark: its word, and whether it means yes; None if it means neither yes nor no."""

    word: str
    is_set: bool | None


class Item(msgspec.Struct, frozen=True, gc=False):
    """An object that a value refers to; `text` is what people read."""

    id: int | None
    text: str | None


class Items(msgspec.Struct, frozen=True, gc=False):
    """Items of one kind (catalog, choice, task or file); an item that is None keeps its place.

    `json`: the other properties served, as JSON. `text`: what people read of all items, if the API gives it.
    """

    kind: str
    items: Sequence[Item | None]
    json: bytes | None = None
    text: str | None = None


class Projects(msgspec.Struct, frozen=True, gc=False):
    """Several projects; one that is None keeps its place."""

    projects: Sequence[Project | None]


class Due(msgspec.Struct, frozen=True, gc=False):
    """A day or an instant, and the time that it takes until then as JSON; the day or instant may be unreadable."""

    at: date | datetime | None
    json: bytes


class Other(msgspec.Struct, frozen=True, gc=False):
    """A value that has no column of its own, as JSON."""

    json: bytes


FieldValue = str | Decimal | date | datetime | time | Flag | Person | Project | Projects | Items | Due | Other
"""A text, an exact number, a day in UTC, an instant, a time of day in UTC, or one of the structs."""
