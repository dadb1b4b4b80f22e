"""Form field values of API v4 → model: one function for each kind of value.

The types are on https://pyrus.com/en/help/api/fields. The value is in `value`, whatever the type. A function raises
ValueError if the value cannot be read.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from pyrus_etl.client.salvage import salvage
from pyrus_etl.extract.numbers import storable
from pyrus_etl.extract.v4.dates import parse_day, parse_instant, parse_time
from pyrus_etl.extract.v4.directory_wire import Id, Person
from pyrus_etl.extract.v4.wire import Attachment
from pyrus_etl.fields import family_of
from pyrus_etl.model.project import Project as ModelProject
from pyrus_etl.model.value import Due, FieldValue, Flag, Item, Items, Other, Projects

S = TypeVar("S")

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_FLAGS = {"checked": Flag("Checked", True), "unchecked": Flag("Unchecked", False), "none": Flag("None", None)}
_STATUSES = {"open": "Opened", "closed": "Closed"}
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Served:
    """The value of a field as served, which is not null, and the duration of a due date."""

    __slots__ = ("duration", "files", "unreadable", "value")

    def __init__(self, value: Any, duration: Any = None) -> None:
        self.value = value
        self.duration = duration
        self.files: Sequence[Attachment | None] = ()
        self.unreadable = 0

    def struct(self, kind: type[S]) -> S:
        """The value as such a struct; unreadable values in it are dropped and counted."""
        read, unreadable = salvage(self.value, kind)
        self.unreadable += unreadable
        return read


def value_of(field_type: str | None, served: Served) -> FieldValue | None:
    """The value of a field of this type (v3's name), or None if it is empty or cannot be read, which is counted."""
    if served.value == [] or served.value == {}:
        return None
    try:
        return READERS.get(family_of(field_type).kind, _other)(served)
    except ValueError:  # msgspec.ValidationError is one
        served.unreadable += 1
        return None


def _text(served: Served) -> str:
    if not isinstance(served.value, str):
        raise ValueError(f"expected a text, got {type(served.value).__name__}")
    return served.value


def _number(served: Served) -> Decimal:
    """A number, to the last digit; it may be served as text."""
    value = served.value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"expected a number, got {value!r:.50}")
    return storable(Decimal(value))


def _day(served: Served) -> FieldValue | None:
    return _with_duration(served, parse_day)


def _instant(served: Served) -> FieldValue | None:
    return _with_duration(served, parse_instant)


def _with_duration(served: Served, parse: Callable[[object], date | datetime]) -> FieldValue | None:
    """A day or instant, with the duration if it has one: a number of minutes, perhaps served as text."""
    if served.duration is None:
        return parse(served.value)
    text = served.duration.strip() if isinstance(served.duration, str) else ""
    json = _encode({"duration": int(text) if text.isascii() and text.isdigit() else served.duration})
    try:
        return Due(parse(served.value), json)
    except ValueError:
        served.unreadable += 1
        return Due(None, json)


def _flag(served: Served) -> Flag:
    """A checkmark or flag in v3's word; an unknown word stays as served."""
    word = _text(served)
    return _FLAGS.get(word) or Flag(word, None)


def _status(served: Served) -> str:
    word = _text(served)
    return _STATUSES.get(word, word)


class _Catalog(msgspec.Struct):
    """`item_id` and `values` are older: they show one item only."""

    item_id: Id | None = None
    item_ids: Sequence[Id | None] | None = None
    item_names: Sequence[str | None] | None = None
    headers: Sequence[Any] | None = None
    values: Sequence[Any] | None = None
    rows: Sequence[Sequence[Any] | None] | None = None


def _catalog(served: Served) -> Items:
    """The chosen items; the text of one is its first column."""
    read = served.struct(_Catalog)
    rows = read.rows or ([read.values] if read.values else [])
    texts = [_cell(row[0]) if row else None for row in rows] or read.item_names or ()
    shown = {"headers": read.headers, "rows": rows}
    return _items("catalog", _ids(read.item_ids, read.item_id), texts, json=_filled(shown))


def _cell(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _encode(value).decode()


class _Choices(msgspec.Struct):
    choice_id: Id | None = None
    choice_ids: Sequence[Id | None] | None = None
    choice_names: Sequence[str | None] | None = None


def _choices(served: Served) -> Items:
    read = served.struct(_Choices)
    return _items("choice", _ids(read.choice_ids, read.choice_id), read.choice_names or ())


class _Tasks(msgspec.Struct):
    task_id: Id | None = None
    task_ids: Sequence[Id | None] | None = None
    subject: str | None = None


def _tasks(served: Served) -> Items:
    read = served.struct(_Tasks)
    return Items("task", [Item(each, None) for each in _ids(read.task_ids, read.task_id)], text=read.subject)


def _ids(several: Sequence[int | None] | None, one: int | None) -> Sequence[int | None]:
    """The ids of a value; older versions of the API gave one."""
    return several or ([] if one is None else [one])


def _items(kind: str, ids: Sequence[int | None], texts: Sequence[str | None], json: bytes | None = None) -> Items:
    """Ids and texts belong together by their places; either may be missing."""
    places = range(max(len(ids), len(texts)))
    items = [Item(_at(ids, place), _at(texts, place)) for place in places]
    return Items(kind, items, json, _joined(texts))


def _at(several: Sequence[S | None], place: int) -> S | None:
    return several[place] if place < len(several) else None


def _joined(texts: Sequence[str | None]) -> str | None:
    found = [text for text in texts if text is not None]
    return ", ".join(found) if found else None


class Project(ModelProject, frozen=True, gc=False):
    id: Id | None = None
    name: str | None = None
    parent: "Project | None" = None


class _Projects(msgspec.Struct):
    projects: Sequence[Project | None] | None = None


def _projects(served: Served) -> Projects | None:
    projects = served.struct(_Projects).projects
    return Projects(projects) if projects else None


def _files(served: Served) -> Items:
    """The files; one without an id is a link."""
    files = served.files = served.struct(list[Attachment | None])
    shown = [_picked({"id": file.id, "name": file.name}) for file in files if file]
    return Items("file", [Item(file.id, file.name) if file else None for file in files], _encode(shown))


class _Title(msgspec.Struct):
    checkmark: Any = None


def _title(served: Served) -> Other | None:
    """The checkmark of a section; the fields in it are read apart."""
    json = _filled({"checkmark": served.struct(_Title).checkmark})
    return Other(json) if json else None


class Row(msgspec.Struct):
    """A row of a table field; a note may delete one. Its cells are fields."""

    row_id: Id | None = None
    position: Any = None
    deleted: Any = None


def _table(served: Served) -> Other | None:
    """The rows that are left; the cells in them are read apart."""
    rows = [row for row in served.struct(list[Row | None]) if row and row.deleted is not True]
    return Other(_encode([_picked({"row_id": row.row_id, "position": row.position}) for row in rows])) if rows else None


def _other(served: Served) -> Other:
    return Other(_encode(served.value))


def _picked(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}


def _filled(properties: dict[str, Any]) -> bytes | None:
    """The properties that are not empty, as JSON; None if none is left."""
    filled = {name: value for name, value in properties.items() if value is not None and value != []}
    return _encode(filled) if filled else None


READERS: dict[str, Callable[[Served], FieldValue | None]] = {
    "text": _text,
    "phone": _text,
    "status": _status,
    "number": _number,
    "day": _day,
    "instant": _instant,
    "time": lambda served: parse_time(served.value),
    "flag": _flag,
    "person": lambda served: served.struct(Person),
    "project": _projects,
    "catalog": _catalog,
    "choice": _choices,
    "tasks": _tasks,
    "files": _files,
    "title": _title,
    "table": _table,
    "other": _other,
}
"""Kind of value (see `fields.Family.kind`) → its reader; a kind that only v3 has is read as `other`."""


WITH_CONTENTS = frozenset({"Title", "MultipleChoice", "Table"})
"""Types (v3's names) whose values have fields in them."""


def contents(field_type: str | None, value: Any) -> Iterator[tuple[Any, Any]]:
    """The fields in a value, and the row that they are in: a section's, a choice's, or a table's cells row by row."""
    if field_type == "Table":
        for row in value if isinstance(value, list) else ():
            if isinstance(row, dict) and row.get("deleted") is not True:
                yield row.get("cells"), row.get("row_id")
    elif isinstance(value, dict):
        yield value.get("fields"), None
