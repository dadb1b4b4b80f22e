"""Values of a file's description, each read by itself: what does not fit is None, and stays in the payload."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.extract.v4.wire.dates import parse_instant

MOST = 2**63
"""One more than the greatest bigint of PostgreSQL."""
LONG_NAME = 80
"""Letters and digits of a name that every service keeps."""


def text(value: object) -> str | None:
    """A text, or a whole number as text, such as an id."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def filled(value: object) -> str | None:
    """A text that is not empty, or a whole number as text."""
    return text(value) or None


def whole(value: object) -> int | None:
    """A whole number that is not negative, also written as text."""
    digits = text(value) or ""
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else MOST
    return number if number < MOST else None


def moment(value: object) -> datetime | None:
    """An instant in ISO 8601, with any number of digits behind the second; without an offset it is in UTC."""
    try:
        instant = parse_instant(value)
    except ValueError:
        return None
    return datetime.combine(instant.date(), instant.time(), UTC)


def same_name(served: str | None, sent: str) -> bool:
    """Whether a service may show a file under the one name that was sent under the other.

    Services trim and cut names, take the last part of a path, replace or drop signs, normalize letters, and do not all
    read the %22 and %0A of a form. So only letters and digits count, and of long names their beginning.
    """
    if served is None:
        return False
    theirs, whole, last = (_letters(each) for each in (served, sent, re.split(r"[/\\]", sent)[-1]))
    is_cut = len(theirs) >= LONG_NAME and theirs[:LONG_NAME] in (whole[:LONG_NAME], last[:LONG_NAME])
    return theirs in (whole, last) or is_cut


def _letters(name: str) -> str:
    decoded = re.sub("%(0A|0D|22)", " ", name, flags=re.IGNORECASE)
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", decoded))).casefold()


def nested(value: object, *keys: str) -> object:
    """The value below these keys; None if one is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def objects(values: object) -> list[dict[str, Any]]:
    """The objects in a list; anything else in it is left out."""
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def reader(read: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    """Reads a JSON object: makes a `read` for `Request` of a function of the plain object."""

    def decode(body: bytes) -> Any:
        served = msgspec.json.decode(storable(body) or b"{}")
        if not isinstance(served, dict):
            raise msgspec.ValidationError(f"Expected `object`, got `{type(served).__name__}`")
        return read(served)

    return decode


def payload(served: object) -> bytes:
    """The description as JSON that PostgreSQL can store."""
    return storable(msgspec.json.encode(served))
