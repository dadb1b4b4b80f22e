"""The body of a row → what is to be written, and the problems that forbid it, each as a sentence."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from pyrus_etl.model.write import (
    ACTIVITY_ACTIONS,
    APPROVAL_CHOICES,
    COMMENT,
    FORM_TASK,
    PROPERTIES,
    TASK,
    TYPES,
    Write,
    is_url,
)

_DECODE = msgspec.json.Decoder(float_hook=Decimal).decode
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_WORDS = {
    "activity_action": {word.lower(): word for word in ACTIVITY_ACTIONS}
    | {"finished": "Complete", "reopened": "Reopen"},
    "approval_choice": {word.lower(): word for word in APPROVAL_CHOICES},
}
"""Property → its words, as a body may spell them."""
_AT_ONCE = (
    ("due_date", "due_at"),
    ("clear_due_date", "due_date"),
    ("clear_due_date", "due_at"),
    ("text", "formatted_text"),
    ("scheduled_date", "scheduled_at"),
)
_SETS_NOTHING = {"skip_auto_reopen", "skip_notification", "skip_satisfaction", "fill_defaults", "channel"}
_WRONG_KIND = re.compile(r"Expected `(\w+)(?: \| null)?`, got `\w+(?: \| null)?`(?: - at `\$(.+)`)?")
_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "date": "a day like 2026-01-31",
}
"""msgspec's name of a kind of value → ours, as in messages about form values."""


class Read(NamedTuple):
    """What a row says. It may be sent only if there are no problems."""

    write: Write
    problems: tuple[str, ...] = ()


def read_body(action: str, task_id: int | None, body: str) -> Read:
    """Reads the body, a JSON object, of a row. A property that is null counts as missing."""
    given: dict[str, Any] = {name: value for name, value in _DECODE(body).items() if value is not None}
    values, problems = {}, []
    for name, value in given.items():
        try:
            values[name] = _property(name, value)
        except ValueError as error:
            problems.append(str(error))
    write = Write(action=action, task_id=task_id, **values)
    return Read(write, (*problems, *_contradictions(write, set(given))))


def _property(name: str, value: object) -> Any:
    if name not in PROPERTIES:
        raise ValueError(f"{_shown(name)} is not a property of the body")
    if words := _WORDS.get(name):
        if not isinstance(value, str) or value.lower() not in words:
            raise ValueError(f"{name} must be one of {', '.join(dict.fromkeys(words.values()))}, not {_shown(value)}")
        return words[value.lower()]
    try:
        return _instant(value) if name.endswith("_at") else msgspec.convert(value, TYPES[name])
    except (msgspec.ValidationError, ValueError) as error:
        raise ValueError(f"{name} cannot be {_shown(value)}: {_reason(error)}") from error


def _instant(value: object) -> datetime:
    """An instant with an offset: without one, its reader would have to guess."""
    if not isinstance(value, str) or not _INSTANT.match(value):
        raise ValueError("write it like 2026-01-31T12:00:00Z")
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("give its offset, as in 2026-01-31T12:00:00Z")
    return instant


def _contradictions(write: Write, given: set[str]) -> Sequence[str]:
    """What is missing, or cannot stand together. `given`: names in the body, also those that could not be read."""
    found = [f"{one} and {other} exclude each other" for one, other in _AT_ONCE if {one, other} <= given]
    if write.action == TASK and not ({"text", "formatted_text"} & given and (write.text or write.formatted_text)):
        found.append("a new task needs a text")
    if write.action == FORM_TASK and "form_id" not in given:
        found.append("form_id is missing")
    if write.action != FORM_TASK and "form_id" in given:
        found.append(f"form_id has no place in a {write.action}; use the action form_task")
    if write.action == TASK and "form_values" in given:
        found.append("form_values have no place in a simple task; use the action form_task")
    if write.action == COMMENT and not given - _SETS_NOTHING:
        found.append("the comment says nothing; give it a text or something to change")
    if write.due_minutes is not None and not {"due_at", "due_date"} & given:
        found.append("due_minutes needs due_at")
    found += [f"{link[:60]!r} is not an address of a file" for link in write.attachments or () if not _is_file(link)]
    return found


def _is_file(file: str) -> bool:
    return bool(file.strip()) and "\0" not in file and (not is_url(file) or len(file.partition("://")[2]) > 0)


def _reason(error: Exception) -> str:
    if "RFC3339" in str(error):
        return "write a day that exists, like 2026-01-31"
    if kind := _WRONG_KIND.fullmatch(str(error)):
        return f"{_KINDS.get(kind[1], kind[1])} is expected" + (f" at {kind[2]}" if kind[2] else "")
    text = str(error).replace("`", "").replace(" | null", "").replace(" - at $", " at ")
    return text[:1].lower() + text[1:]


def _shown(value: object) -> str:
    shown = value.isoformat() if isinstance(value, date) else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
