"""Names for the views and columns of reports: what people call them, in ASCII that SQL takes without quotes."""

import re
from collections.abc import Container
from itertools import count

from anyascii import anyascii

LONGEST = 63
"""Bytes that PostgreSQL keeps of a name."""


def words(text: str | None, otherwise: str) -> str:
    """The letters and digits of a text: `Сумма, €` is summa_eur; `otherwise` where nothing is left of it."""
    letters = re.sub(r"['`\"]", "", anyascii(text or "").lower())
    return "_".join(re.findall(r"[a-z0-9]+", letters)) or otherwise


def column(text: str | None, otherwise: str, reserved: Container[str]) -> str:
    """The same as the name of a column: an underscore comes before a digit, and before a word that SQL reserves."""
    name = words(text, otherwise)
    return name if name[0].isalpha() and name not in reserved else f"_{name}"


def unused(name: str, taken: Container[str], *endings: str) -> str:
    """The name, or the first with a number behind it, that is free with and without the endings, cut to fit."""
    room = LONGEST - max(map(len, endings), default=0)
    numbers = ("" if number == 1 else f"_{number}" for number in count(1))
    names = (name[: room - len(number)].rstrip("_") + number for number in numbers)
    return next(each for each in names if not any(each + ending in taken for ending in ("", *endings)))
