"""Names for the views and columns of reports: readable, in ASCII, and valid in SQL without quotes."""

import re
from collections.abc import Container
from itertools import count

from anyascii import anyascii

LONGEST = 63
"""PostgreSQL cuts names after this many bytes.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""


def words(text: str | None, default: str) -> str:
    """Returns the letters and digits of a text: `Сумма, €` is summa_eur; `default` if it has none."""
    letters = re.sub(r"['`\"]", "", anyascii(text or "").lower())
    return "_".join(re.findall(r"[a-z0-9]+", letters)) or default


def column(text: str | None, default: str, reserved: Container[str]) -> str:
    """The same for a column: puts an underscore before a leading digit and before a reserved word of SQL."""
    name = words(text, default)
    return name if name[0].isalpha() and name not in reserved else f"_{name}"


def unused(name: str, taken: Container[str], *endings: str) -> str:
    """Returns the name, with a number if needed, so that it is free with and without the endings; cut to fit."""
    room = LONGEST - max(map(len, endings), default=0)
    numbers = ("" if number == 1 else f"_{number}" for number in count(1))
    names = (name[: room - len(number)].rstrip("_") + number for number in numbers)
    return next(each for each in names if not any(each + ending in taken for ending in ("", *endings)))
