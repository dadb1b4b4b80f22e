"""Form field values of the restapi → model: one function for each kind of value.

The types are listed under "FormField" on https://pyrus.com/en/api-v3. The property with the value usually has the name
of the type. A function raises ValueError if the value cannot be read.
"""

from collections.abc import Callable, Sequence
from datetime import time
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec

from pyrus_etl.client.salvage import salvage
from pyrus_etl.extract.numbers import storable
from pyrus_etl.extract.v3.dates import Day, Instant, parse_day, parse_instant
from pyrus_etl.extract.v3.wire import Attachment, Id, Person, Project
from pyrus_etl.fields import family_of
from pyrus_etl.model.value import FieldValue, Flag, Item, Items, Other

Properties = dict[str, Any]
S = TypeVar("S", bound=msgspec.Struct)

_PROPERTIES = {"Note": "Tooltip"}
_CHECKED = {"Checked": True, "Unchecked": False}
_encode = msgspec.json.Encoder(decimal_format="number").encode


def value_of(field_type: str | None, properties: Properties) -> tuple[FieldValue | None, int]:
    """The value in the properties, or None if the field is empty; also the number of unreadable values."""
    name, reader = _reading(field_type or "")
    served = Served(name, properties)
    try:
        return reader(served), served.unreadable
    except ValueError:  # msgspec.ValidationError is one
        return None, served.unreadable + 1


@lru_cache(maxsize=256)  # there are few types
def _reading(field_type: str) -> tuple[str, Callable[["Served"], FieldValue | None]]:
    """The property that holds a value of this type, and its reader."""
    return _PROPERTIES.get(field_type, field_type), READERS.get(family_of(field_type).kind, _other)


def files_of(properties: Properties) -> tuple[Sequence[Attachment | None], int]:
    """The files in a value of any type, and the number of unreadable values in them."""
    files = properties.get("Files")
    if files is None:
        return (), 0
    try:
        return salvage(files, list[Attachment | None])
    except msgspec.ValidationError:
        return (), 1


class Served:
    """The value of a field as served; `name` is the property that holds it."""

    __slots__ = ("name", "properties", "unreadable")

    def __init__(self, name: str, properties: Properties) -> None:
        self.name = name
        self.properties = properties
        self.unreadable = 0

    def plain(self, *kinds: type) -> Any:
        """The property as plain JSON of one of these kinds; None if it is missing or null."""
        value = self.properties.get(self.name)
        if value is None or (isinstance(value, kinds) and not isinstance(value, bool)):
            return value
        raise ValueError(f"{self.name}: unexpected {type(value).__name__}")

    def struct(self, kind: type[S]) -> S | None:
        """The property as a struct; unreadable values in it are dropped and counted."""
        if self.properties.get(self.name) is None:
            return None
        read, unreadable = salvage(self.properties[self.name], kind)
        self.unreadable += unreadable
        return read


def _text(served: Served) -> str | None:
    text: str | None = served.plain(str)
    return text


class _Phone(msgspec.Struct, rename="pascal"):
    prefix: str | None = None
    number: str | None = None


def _phone(served: Served) -> str | None:
    phone = served.struct(_Phone)
    return (" ".join(part for part in (phone.prefix, phone.number) if part) or None) if phone else None


def _number(served: Served) -> Decimal | None:
    number = served.plain(int, Decimal)
    return None if number is None else storable(Decimal(number))


def _day(served: Served) -> Day | None:
    value = served.properties.get(served.name)
    return None if value is None else parse_day(value)


def _instant(served: Served) -> Instant | None:
    value = served.properties.get(served.name)
    return None if value is None else parse_instant(value)


class _TimeOfDay(msgspec.Struct, rename="pascal"):
    utc_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] | None = None
    utc_minute: Annotated[int, msgspec.Meta(ge=0, le=59)] | None = None


def _time(served: Served) -> time | None:
    """A missing part is 0 if the other is present. If a part is unreadable, so is the time."""
    read = msgspec.convert(served.properties.get(served.name) or {}, _TimeOfDay)
    if read.utc_hour is None and read.utc_minute is None:
        return None
    return time(read.utc_hour or 0, read.utc_minute or 0)


def _flag(served: Served) -> Flag | None:
    word = served.plain(str)
    return None if word is None else Flag(word, _CHECKED.get(word))


class _CatalogItem(msgspec.Struct, rename="pascal"):
    catalog_item_id: Id | None = None


def _catalog(served: Served) -> Items | None:
    """The chosen item; its text is its first column."""
    item, served.unreadable = salvage(served.properties, _CatalogItem)
    rest = _json({name: value for name, value in served.properties.items() if name != "CatalogItemId"})
    columns = served.properties.get("CatalogItemValues")
    text = columns[0] if isinstance(columns, list) and columns and isinstance(columns[0], str) else None
    if item.catalog_item_id is None and text is None:
        return Items("catalog", (), rest) if rest else None
    return Items("catalog", [Item(item.catalog_item_id, text)], rest)


class _Link(msgspec.Struct, rename="pascal"):
    url: str | None = None


def _files(served: Served) -> Items | None:
    json = _json(served.properties)
    if json is None:
        return None
    files, _ = files_of(served.properties)  # unreadable values in them are counted by the caller
    return Items("file", [Item(file.id, file.name) for file in files if file], json)


def _links(served: Served) -> Items | None:
    """Links to external files; a link is served as a text, or as an object with a URL."""
    json = _json(served.properties)
    if json is None:
        return None
    links = served.properties.get("FileUrls")
    texts = [_link_text(link) for link in links] if isinstance(links, list) else []
    return Items("file", [Item(None, text) for text in texts if text], json)


def _link_text(link: Any) -> str | None:
    if isinstance(link, str):
        return link
    try:
        return msgspec.convert(link, _Link).url
    except msgspec.ValidationError:
        return None


def _other(served: Served) -> Other | None:
    """All properties as served, except those that are null."""
    json = _json(served.properties)
    return Other(json) if json else None


def _json(properties: Properties) -> bytes | None:
    filled = {name: value for name, value in properties.items() if value is not None}
    return _encode(filled) if filled else None


READERS: dict[str, Callable[[Served], FieldValue | None]] = {
    "text": _text,
    "phone": _phone,
    "status": _text,
    "number": _number,
    "day": _day,
    "instant": _instant,
    "time": _time,
    "flag": _flag,
    "person": lambda served: served.struct(Person),
    "project": lambda served: served.struct(Project),
    "catalog": _catalog,
    "files": _files,
    "links": _links,
    "other": _other,
}
"""Kind of value (see `fields.Family.kind`) → its reader; a kind that only v4 has is read as `other`."""
