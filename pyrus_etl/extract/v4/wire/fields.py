"""Form field values of API v4 → model: one function for each kind of value.

The types are on https://pyrus.com/en/help/api/fields. The value is in `value`, whatever the type. A function raises
ValueError if the value cannot be read.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import msgspec

from pyrus_etl.client.salvage import salvage
from pyrus_etl.extract.numbers import storable
from pyrus_etl.extract.v4.wire import form as wire
from pyrus_etl.extract.v4.wire.arrays import structs
from pyrus_etl.extract.v4.wire.dates import parse_day, parse_instant, parse_time
from pyrus_etl.extract.v4.wire.directory import Person
from pyrus_etl.extract.v4.wire.form import Field
from pyrus_etl.extract.v4.wire.words import field_type
from pyrus_etl.fields import family_of
from pyrus_etl.model.form import FormValue
from pyrus_etl.model.value import Due, FieldValue, Flag, Item, Items, Other, Projects

S = TypeVar("S")
Reader = Callable[[Field, FormValue], FieldValue | None]
"""Reads the value of a field; tells the second what it cannot read of it, and which files are in it."""

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_FLAGS = {"checked": Flag("Checked", True), "unchecked": Flag("Unchecked", False), "none": Flag("None", None)}
_STATUSES = {"open": "Opened", "closed": "Closed"}
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Kind(NamedTuple):
    """How the fields of a type are read. `type`: v3's name. `has_contents`: their values have fields in them."""

    type: str | None
    read: Reader
    has_contents: bool


@lru_cache(maxsize=1024)  # types are few, but anybody may serve others
def kind_of(served_type: str | None) -> Kind:
    name = field_type(served_type)
    return Kind(name, READERS.get(family_of(name).kind, _other), name in _WITH_CONTENTS)


def read_value(kind: Kind, field: Field, into: FormValue) -> None:
    """Reads the value of a field; leaves None if it is empty or cannot be read. The latter is counted."""
    served = field.value
    if not served and isinstance(served, list | dict):
        return
    try:
        into.value = kind.read(field, into)
    except ValueError:  # msgspec.ValidationError is one
        into.unreadable += 1


def _struct(field: Field, kind: type[S], into: FormValue) -> S:
    """The value as such a struct; unreadable values in it are dropped and counted."""
    try:
        return msgspec.convert(field.value, kind)
    except msgspec.ValidationError:
        read, unreadable = salvage(field.value, kind)
        into.unreadable += unreadable
        return read


def _structs(field: Field, kind: type[S], into: FormValue) -> Sequence[S | None]:
    """The value as an array of such structs, as `_struct` reads it."""
    read, unreadable = structs(field.value, kind)
    into.unreadable += unreadable
    return read


def _text(field: Field, _: FormValue) -> str:
    text = field.value
    if not isinstance(text, str):
        raise ValueError(f"expected a text, got {type(text).__name__}")
    return text


def _number(field: Field, _: FormValue) -> Decimal:
    """A number, to the last digit; it may be served as text."""
    value = field.value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"expected a number, got {value!r:.50}")
    return storable(Decimal(value))


def _day(field: Field, into: FormValue) -> FieldValue | None:
    return parse_day(field.value) if field.duration is None else _with_duration(field, into, parse_day)


def _instant(field: Field, into: FormValue) -> FieldValue | None:
    return parse_instant(field.value) if field.duration is None else _with_duration(field, into, parse_instant)


def _time(field: Field, _: FormValue) -> FieldValue:
    return parse_time(field.value)


def _with_duration(field: Field, into: FormValue, parse: Callable[[object], date | datetime]) -> Due:
    """A day or instant with its duration: a number of minutes, perhaps served as text."""
    text = field.duration.strip() if isinstance(field.duration, str) else ""
    json = _encode({"duration": int(text) if text.isascii() and text.isdigit() else field.duration})
    try:
        return Due(parse(field.value), json)
    except ValueError:
        into.unreadable += 1
        return Due(None, json)


def _flag(field: Field, into: FormValue) -> Flag:
    """A checkmark or flag in v3's word; an unknown word stays as served."""
    word = _text(field, into)
    return _FLAGS.get(word) or Flag(word, None)


def _status(field: Field, into: FormValue) -> str:
    word = _text(field, into)
    return _STATUSES.get(word, word)


def _person(field: Field, into: FormValue) -> Person:
    return _struct(field, Person, into)


def _catalog(field: Field, into: FormValue) -> Items:
    """The chosen items; the text of one is its first column."""
    read = _struct(field, wire.Catalog, into)
    rows = read.rows or ([read.values] if read.values else read.rows)
    texts = [_cell(row[0]) if row else None for row in rows or ()] or read.item_names or ()
    shown = {"headers": read.headers, "rows": rows}
    return _items("catalog", _ids(read.item_ids, read.item_id), texts, json=_given(shown))


def _cell(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _encode(value).decode()


def _choices(field: Field, into: FormValue) -> Items:
    read = _struct(field, wire.Choices, into)
    return _items("choice", _ids(read.choice_ids, read.choice_id), read.choice_names or ())


def _tasks(field: Field, into: FormValue) -> Items:
    read = _struct(field, wire.Tasks, into)
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


def _projects(field: Field, into: FormValue) -> Projects | None:
    projects = _struct(field, wire.Projects, into).projects
    return Projects(projects) if projects else None


def _files(field: Field, into: FormValue) -> Items:
    """The files; one without an id is a link."""
    files = into.files = _structs(field, wire.Attachment, into)
    shown = [_picked({"id": file.id, "name": file.name}) for file in files if file]
    return Items("file", [Item(file.id, file.name) if file else None for file in files], _encode(shown))


def _title(field: Field, into: FormValue) -> Other | None:
    """The checkmark of a section; the fields in it are read apart."""
    json = _given({"checkmark": _struct(field, wire.Title, into).checkmark})
    return Other(json) if json else None


def _table(field: Field, into: FormValue) -> Other | None:
    """The rows that are left; the cells in them are read apart."""
    rows = [row for row in _structs(field, wire.Row, into) if row and row.deleted is not True]
    return Other(_encode([_picked({"row_id": row.row_id, "position": row.position}) for row in rows])) if rows else None


def _other(field: Field, _: FormValue) -> Other:
    return Other(_encode(field.value))


def _picked(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}


def _given(properties: dict[str, Any]) -> bytes | None:
    """The properties that have a value, which may be empty, as JSON; None if none has."""
    given = _picked(properties)
    return _encode(given) if given else None


READERS: dict[str, Reader] = {
    "text": _text,
    "phone": _text,
    "status": _status,
    "number": _number,
    "day": _day,
    "instant": _instant,
    "time": _time,
    "flag": _flag,
    "person": _person,
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


_WITH_CONTENTS = frozenset({"Title", "MultipleChoice", "Table"})
"""Types (v3's names) whose values have fields in them."""


def contents(field: Field) -> Iterator[tuple[Any, Any]]:
    """The fields in a value, and the row that they are in: a section's, a choice's, or a table's cells row by row."""
    value = field.value
    if kind_of(field.type).type == "Table":
        for row in value if isinstance(value, list) else ():
            if isinstance(row, dict) and row.get("deleted") is not True:
                yield row.get("cells"), row.get("row_id")
    elif isinstance(value, dict):
        yield value.get("fields"), None
