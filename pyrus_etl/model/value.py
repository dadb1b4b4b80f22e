"""The kinds of value that a form field can have."""

from datetime import date, datetime, time
from decimal import Decimal

import msgspec

from pyrus_etl.model.person import Person
from pyrus_etl.model.project import Project


class Flag(msgspec.Struct, frozen=True, gc=False):
    """A checkmark: its word, and whether it means yes; None for a word that means neither."""

    word: str
    is_set: bool | None


class CatalogChoice(msgspec.Struct, frozen=True, gc=False):
    """The chosen item of a catalog; `json` is what else the API served about it, as JSON."""

    item_id: int | None
    json: bytes | None


class Other(msgspec.Struct, frozen=True, gc=False):
    """A value that has no column of its own, as JSON."""

    json: bytes


FieldValue = str | Decimal | date | datetime | time | Flag | Person | Project | CatalogChoice | Other
"""A text, an exact number, a day in UTC, an instant, a time of day in UTC, or one of the structs."""
