"""JSON bytes → model, losing nothing that can be read.

A value that does not fit its property is taken out and counted, and the rest is read without it; only a body that is no
JSON, or that lacks what it must have, is refused.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import msgspec

from pyrus_etl.client.salvage import Hook, salvage

T = TypeVar("T")

_ESCAPE = re.compile(
    rb"""\\(?: u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}  # a pair of surrogates is one character
          | (?P<unstorable>u0000 | u[dD][89a-fA-F][0-9a-fA-F]{2})
          | . )""",
    re.VERBOSE | re.DOTALL,
)
_REPLACEMENT = "\ufffd".encode()
_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def storable(body: bytes) -> bytes:
    """The JSON text with U+FFFD wherever an escape means U+0000 or a lone surrogate, and for bytes that are not UTF-8.

    PostgreSQL holds none of them, neither in text nor in jsonb (its manual, 8.14).
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        body = body.decode(errors="replace").encode()
    if not _UNSTORABLE.search(body):
        return body
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape["unstorable"] else escape[0], body)


def damage(served: bytes, stored: bytes) -> int:
    """How many characters of a served body are U+FFFD in the `storable` one because their bytes are not UTF-8."""
    return 0 if stored is served else stored.count(_REPLACEMENT) - served.count(_REPLACEMENT)


def decode(body: bytes, kind: type[T], hook: Hook, mend: Callable[[Any], int] | None = None) -> tuple[T, int]:
    """The struct in a `storable` body, and how many values in it could not be read.

    What cannot be read is taken out, value by value (see `salvage`), or by `mend`, where one is given: it is handed the
    plain JSON and returns how many values it took.
    Raises msgspec.ValidationError where JSON holds no such struct, another msgspec.DecodeError where it is no JSON.
    """
    try:
        try:
            return _decoder(kind, hook).decode(body), 0  # type: ignore[arg-type] # mypy: a type[T] is not seen to be hashable
        except msgspec.ValidationError:
            tree = _plain.decode(body)
            if mend is None:
                return salvage(tree, kind, hook)
            unreadable = mend(tree)
            return msgspec.convert(tree, kind, dec_hook=hook), unreadable
    except RecursionError as error:
        raise msgspec.ValidationError("JSON is nested too deeply") from error


_plain = msgspec.json.Decoder(float_hook=Decimal)


@cache
def _decoder(kind: type[T], hook: Hook) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind, dec_hook=hook, float_hook=Decimal)
