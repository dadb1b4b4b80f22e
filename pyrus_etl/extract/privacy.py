"""Leaves out, hashes or cuts what must not be stored, in a body as served: rows and raw bodies get the same.

It works on the JSON of both APIs, before anything is decoded into structs. To do it twice changes nothing more.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from pyrus_etl.errors import TaskRefused
from pyrus_etl.settings.privacy import TASK_TEXT, Action, Privacy, Target

HASHED = "hmac-sha256:"
"""Begins every hashed value, so that it is recognised as one."""

TEXTS = ("text", "formatted_text", "subject")

Json = Any


class Field(NamedTuple):
    """Where an API says what a field is: its id, its type, and the properties that hold its value."""

    id: int | None
    type: str
    values: tuple[str, ...]


def hidden(body: bytes, privacy: Privacy, form_id: int | None = None) -> bytes:
    """The body with everything hidden that `privacy` names; the body itself if that is nothing.

    `form_id`: the form of everything in the body that does not name its own. Raises msgspec.DecodeError if the body is
    not JSON: then nothing of it may be stored.
    """
    if not privacy.is_needed:
        return body
    try:
        tree = json.loads(body, parse_int=_number, parse_float=_number, parse_constant=_number)
        hiding = _Hiding(privacy, _forms_of(tree, form_id))
        found = hiding.tree(tree)
        return msgspec.json.encode(hiding.without_files(found) if hiding.files else found)
    except (ValueError, RecursionError) as error:
        raise msgspec.DecodeError(f"not JSON: {error}") from error


def hidden_again(body: bytes, privacy: Privacy) -> bytes | None:
    """A stored body with everything hidden that `privacy` names; None if it is stored so already."""
    if not privacy.is_needed:
        return None
    tree = json.loads(body, parse_int=_number, parse_float=_number, parse_constant=_number)
    kept = hidden(body, privacy)
    return None if kept == msgspec.json.encode(tree) else kept


def hidden_part(privacy: Privacy, name: str, part: str) -> str | None:
    """What is stored of a part of a person, such as an `email` or a `mobile_phone`; None if it is left out."""
    kept: str | None = _Hiding(privacy, frozenset()).part(name, part)
    return kept


def sha256_of(stored: bytes, served_sha256: str, privacy: Privacy) -> str:
    """The SHA-256 to store: if something is hidden, of what is left, because the other one would let people guess."""
    return hashlib.sha256(stored).hexdigest() if privacy.is_needed else served_sha256


def without_payload(error: TaskRefused, privacy: Privacy) -> TaskRefused:
    """The error without the body that could not be read: nothing in such a body can be hidden."""
    if privacy.is_needed:
        error.payload = None
    return error


def _number(text: str) -> msgspec.Raw:
    """A number stays as it is served, to the last digit."""
    return msgspec.Raw(text.encode())


def _forms_of(tree: Json, form_id: int | None) -> frozenset[int]:
    """The forms that a task may belong to: the one it names, or with v3 each of its projects and their parents."""
    if form_id is not None:
        return frozenset({form_id})
    return frozenset(_named_forms(tree))


def _named_forms(tree: Json) -> Iterator[int]:
    match tree:
        case {"task": {"form_id": form_id}} | {"form_id": form_id}:
            yield from _id(form_id)
        case {"TaskWithNotes": {"Projects": [*projects]}}:
            for project in projects:
                yield from _chain(project)


def _chain(project: Json) -> Iterator[int]:
    while isinstance(project, dict):
        yield from _id(project.get("Id"))
        project = project.get("Parent")


def _id(served: Json) -> Iterator[int]:
    if isinstance(served, msgspec.Raw) and bytes(served).isdigit():
        yield int(bytes(served))


class _Hiding:
    """What is hidden in one body. `files`: ids of the files in hidden fields; `attachments` have them a second time."""

    def __init__(self, privacy: Privacy, forms: frozenset[int]) -> None:
        self._privacy = privacy
        self._forms = forms
        self.files: set[int] = set()

    def tree(self, served: Json) -> Json:
        match served:
            case list():
                return [self.tree(each) for each in served]
            case dict():
                field = _field(served)
                return self._object(served) if field is None else self._field(served, field)
        return served

    def _object(self, served: dict[str, Json]) -> dict[str, Json]:
        return {name: self.part(name, part) for name, part in served.items()}

    def _field(self, served: dict[str, Json], field: Field) -> dict[str, Json]:
        found = self._first(lambda target: _is_field(target, field, self._forms))
        if found is None:
            return self._object_of_field(served)
        self.files.update(_files(served))
        action, target = found
        if action is Action.HASH:
            return _hashed(served, field, self._privacy.key)
        rest = {name: part for name, part in served.items() if name not in field.values}
        texts = {name: served[name][: target.length] for name in field.values if isinstance(served.get(name), str)}
        return rest | texts if action is Action.CUT else rest

    def _object_of_field(self, served: dict[str, Json]) -> dict[str, Json]:
        return {name: self.tree(part) for name, part in served.items()}

    def part(self, name: str, part: Json) -> Json:
        """A property of anything but a field: a part of a person, the text of a task, or something to look into."""
        if not isinstance(part, str) or not part or part.startswith(HASHED):
            return self.tree(part)
        found = self._first(lambda target: _is_property(target, name, part, self._forms))
        if found is None:
            return part
        action, target = found
        if action is Action.LEAVE_OUT:
            return None
        return _hash(part, self._privacy.key) if action is Action.HASH else part[: target.length]

    def _first(self, names_it: Callable[[Target], bool]) -> tuple[Action, Target] | None:
        """What is done first of leaving out, hashing and cutting; None if nothing is."""
        return next(((action, one) for action, one in self._privacy.actions() if names_it(one)), None)

    def without_files(self, served: Json) -> Json:
        """The same without the files of hidden fields among the attachments."""
        match served:
            case list():
                return [self.without_files(each) for each in served]
            case dict():
                return {name: self._kept_files(name, part) for name, part in served.items()}
        return served

    def _kept_files(self, name: str, part: Json) -> Json:
        if name.lower() == "attachments" and isinstance(part, list):
            return [file for file in part if not self.files.intersection(_files(file))]
        return self.without_files(part)


def _field(served: dict[str, Json]) -> Field | None:
    """The field whose value the object is: `{"Field": {…}, …}` in v3, `{"id": …, "type": …, "value": …}` in v4."""
    head = served.get("Field")
    if isinstance(head, dict):
        values = tuple(name for name in served if name not in ("Field", "RowId"))
        return Field(next(_id(head.get("Id")), None), str(head.get("Type")).lower(), values)
    if "value" in served and "type" in served:
        return Field(next(_id(served.get("id")), None), str(served["type"]).lower(), ("value", "duration"))
    return None


def _is_field(target: Target, field: Field, forms: frozenset[int]) -> bool:
    return target.is_in(forms) and target.field in (str(field.id), field.type)


def _is_property(target: Target, name: str, part: str, forms: frozenset[int]) -> bool:
    if not target.is_person:
        return target.field == TASK_TEXT and name.lower() in TEXTS and target.is_in(forms)
    if name in ("to", "from"):  # of the channel that a comment came by
        return target.field == ("email" if "@" in part else "phone")
    return target.field in name.lower()


def _files(served: Json) -> Iterator[int]:
    """The ids of all objects with a name or a size in a value: of its files."""
    match served:
        case list():
            for each in served:
                yield from _files(each)
        case {"id": number, "name": _, "size": _} | {"Id": number, "Name": _, "Size": _}:
            yield from _id(number)
        case dict():
            for part in served.values():
                yield from _files(part)


def _hashed(served: dict[str, Json], field: Field, key: bytes) -> dict[str, Json]:
    """The field as a text: the hash of its value. A text is hashed as it is, so that it can be found by its hash."""
    parts = [served[name] for name in field.values if name in served]
    word = _hash(parts[0] if len(parts) == 1 and isinstance(parts[0], str) else _canonical(parts), key)
    rest = {name: part for name, part in served.items() if name not in field.values}
    if "Field" in served:
        return {**rest, "Field": {**served["Field"], "Type": "Text"}, "Text": word}
    return {**rest, "type": "text", "value": word}


def _canonical(parts: list[Json]) -> str:
    return msgspec.json.encode(parts, order="sorted").decode()


def _hash(text: str, key: bytes) -> str:
    if text.startswith(HASHED):
        return text
    return HASHED + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
