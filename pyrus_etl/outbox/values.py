"""A value in a body → a value that fits the type of its field. Each reader raises ValueError with what it expects."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation

from pyrus_etl.model.write import NewFieldValue

_TIME = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
LARGEST_ID = 2**63 - 1

READ_ONLY = (
    "Note",
    "ApprovalStep",
    "ActivityStatus",
    "Author",
    "ApprovalPerson",
    "ApprovalDate",
    "CreationDate",
    "Title",
    "ExternalFormAuthor",
)
"""Types of fields that Pyrus fills itself, or that hold no value."""


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is expected")
    return value


def number(value: object) -> Decimal:
    """An exact number, perhaps given as text."""
    if isinstance(value, int | Decimal | str) and not isinstance(value, bool):
        try:
            found = Decimal(value)
        except InvalidOperation:
            found = Decimal("NaN")
        if found.is_finite():
            return found
    raise ValueError("a number is expected")


def day(value: object) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError("there is no such day") from error
    raise ValueError("a day such as 2026-01-31 is expected")


def instant(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) > len("2026-01-31") else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError("a time with an offset, such as 2026-01-31T12:00:00Z, is expected")
    return found.astimezone(UTC)


def time_of_day(value: object) -> time:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return time.fromisoformat(value.zfill(len("00:00")))
    raise ValueError("a time of day in UTC, such as 12:30, is expected")


def _word(*words: str) -> Callable[[object], str]:
    """A word, or true and false for Checked and Unchecked."""

    def read(value: object) -> str:
        if isinstance(value, bool):
            return "Checked" if value else "Unchecked"
        found = next((word for word in words if isinstance(value, str) and value.lower() == word.lower()), None)
        if found is None:
            raise ValueError(f"one of {', '.join(words)} is expected")
        return found

    return read


def one_id(value: object) -> tuple[int, ...]:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST_ID:
        return (value,)
    raise ValueError("an id is expected")


def ids(value: object) -> tuple[int, ...]:
    """An id, or several."""
    if isinstance(value, list) and value:
        return tuple(each for item in value for each in one_id(item))
    return one_id(value)


def files(value: object) -> tuple[str, ...]:
    """A path or URL, or several."""
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(each, str) and each.strip() and "\0" not in each for each in found):
        raise ValueError("a path or an address of a file is expected, or a list of them")
    return tuple(found)


READERS: Mapping[str, Callable[[object], NewFieldValue]] = {
    "Text": text,
    "Email": text,
    "Phone": text,
    "Number": number,
    "Decimal": number,
    "Date": day,
    "DueDate": day,
    "DueDateTime": instant,
    "Time": time_of_day,
    "Checkmark": _word("Checked", "Unchecked"),
    "Flag": _word("Checked", "Unchecked", "None"),
    "Person": one_id,
    "Assignee": one_id,
    "Project": ids,
    "FormLink": ids,
    "Files": files,
    "FileUrls": files,
}
"""Type of a field → the reader of a value for it. A Catalog and a MultipleChoice have items: see `check`."""


def items(value: object, known: Mapping[int, str | None], what: str) -> tuple[int, ...]:
    """The ids of items, each given by its id or by its text; `what` names one, such as "choice"."""
    return tuple(_item(each, known, what) for each in (value if isinstance(value, list) and value else [value]))


def _item(value: object, known: Mapping[int, str | None], what: str) -> int:
    found = [each for each, name in known.items() if (each == value if isinstance(value, int) else name == value)]
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"the id or the text of a {what} is expected")
    if not found:
        raise ValueError(f"there is no such {what}")
    if len(found) > 1:
        raise ValueError(f"{len(found)} {what}s have this text; give an id")
    return found[0]
