"""Form fields and their values."""

from typing import Annotated, Any

import msgspec

from pyrus_etl.model.values import Id


class FormField(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """What a form says about one of its fields. `type` may be a word that nobody has documented."""

    id: Id | None = None
    type: str | None = None
    name: str | None = None
    parent_id: Id | None = None


class Phone(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A telephone number."""

    prefix: str | None = None
    number: str | None = None


class TimeOfDay(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A time in UTC; an absent part is 0 where the other is told."""

    utc_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] | None = None
    utc_minute: Annotated[int, msgspec.Meta(ge=0, le=59)] | None = None


class CatalogItem(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """Which item of a catalog was chosen."""

    catalog_item_id: Id | None = None


class FormValue:
    """The value of one field, in a table's row where `row_id` is told.

    `properties` is everything else that the API sent, as plain JSON with exact `Decimal`s: which property holds the
    value depends on the field's type, and unknown types have unknown ones. `unreadable` counts what could not be
    read of `field` and `row_id`. No struct, so that msgspec leaves the reading to us.
    """

    __slots__ = ("field", "properties", "row_id", "unreadable")

    def __init__(self, field: FormField, row_id: int | None, properties: dict[str, Any], unreadable: int = 0) -> None:
        self.field = field
        self.row_id = row_id
        self.properties = properties
        self.unreadable = unreadable
