"""JSON bytes → structs, without losing anything readable.

A value that does not fit its property is dropped and counted, and the rest is read. Only a body that is not JSON, or
that lacks a required property, is refused.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import msgspec

from pyrus_etl.client.salvage import Hook, salvage

T = TypeVar("T")

PART = 1 << 20
"""Bytes that are checked at once."""

_ESCAPE = re.compile(
    rb"""\\(?: u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}  # a pair of surrogates is one character
          | (?P<unstorable>u0000 | u[dD][89a-fA-F][0-9a-fA-F]{2})
          | . )""",
    re.VERBOSE | re.DOTALL,
)
_REPLACEMENT = "\ufffd".encode()
_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def storable(body: bytes) -> bytes:
    """The JSON text with U+FFFD for escapes of U+0000 and of lone surrogates, and for bytes that are not UTF-8.

    PostgreSQL accepts none of them, neither in text nor in jsonb: https://www.postgresql.org/docs/current/datatype-json.html
    """
    if not _is_utf_8(body):
        body = body.decode(errors="replace").encode()
    if not _UNSTORABLE.search(body):
        return body
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape["unstorable"] else escape[0], body)


def _is_utf_8(body: bytes) -> bool:
    """Whether the bytes are UTF-8; they are checked in parts, because a text takes up to four times their memory."""
    try:
        if len(body) <= PART:
            body.decode()
        else:
            _check_parts(body)
    except UnicodeDecodeError:
        return False
    return True


def _check_parts(body: bytes) -> None:
    decoder, parts = getincrementaldecoder("utf-8")(), memoryview(body)
    for start in range(0, len(body), PART):
        decoder.decode(parts[start : start + PART])
    decoder.decode(b"", final=True)


def damage(served: bytes, stored: bytes) -> int:
    """The number of U+FFFD in the `storable` body that replace bytes that are not UTF-8."""
    return 0 if stored is served else stored.count(_REPLACEMENT) - served.count(_REPLACEMENT)


def decode(
    body: bytes | msgspec.Raw, kind: type[T], hook: Hook, drop: Callable[[Any], int] | None = None
) -> tuple[T, int]:
    """Reads a struct from a `storable` body; also returns the number of unreadable values.

    Unreadable values are dropped one by one (see `salvage`), or by `drop` if it is given: that gets the plain JSON and
    returns how many values it removed.
    Raises msgspec.ValidationError if the JSON does not hold such a struct, another msgspec.DecodeError if it is not
    JSON.
    """
    try:
        try:
            return _decoder(kind, hook).decode(body), 0  # type: ignore[arg-type] # mypy does not see that type[T] is hashable
        except msgspec.ValidationError:
            tree = _plain.decode(body)
            if drop is None:
                return salvage(tree, kind, hook)
            unreadable = drop(tree)
            return msgspec.convert(tree, kind, dec_hook=hook), unreadable
    except RecursionError as error:
        raise msgspec.ValidationError("JSON is nested too deeply") from error


_plain = msgspec.json.Decoder(float_hook=Decimal)


@cache
def _decoder(kind: type[T], hook: Hook) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind, dec_hook=hook, float_hook=Decimal)
