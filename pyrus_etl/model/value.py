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
    """Items of one kind (catalog, choice, task or file); `json`: the other properties served, as JSON."""

    kind: str
    items: Sequence[Item]
    json: bytes | None


class Other(msgspec.Struct, frozen=True, gc=False):
    """A value that has no column of its own, as JSON."""

    json: bytes


FieldValue = str | Decimal | date | datetime | time | Flag | Person | Project | Items | Other
"""A text, an exact number, a day in UTC, an instant, a time of day in UTC, or one of the structs."""
