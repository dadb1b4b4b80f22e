"""Writes YAML: blocks of mappings and lists, and every text between double quotes, so that no text can change the rest.

A text in JSON is one in YAML too, except for characters that YAML does not allow as they are.
https://yaml.org/spec/1.2.2/#rule-c-printable
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_NOT_PRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_PLAIN = re.compile(r"[a-z][a-z0-9_]*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
"""Texts without quotes that mean something else in some version of YAML."""


def document(value: Mapping[str, Any]) -> str:
    """Returns the mapping as YAML. It may contain mappings, lists, texts, numbers, booleans and None."""
    return "".join(f"{line}\n" for line in _block(value))


def _block(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _entry(f"{_text(key)}:", inner, "  ")
    elif isinstance(value, list | tuple) and value:
        for inner in value:
            lines = _block(inner)
            yield f"- {next(lines)}"
            yield from (f"  {line}" for line in lines)
    else:
        yield _scalar(value)


def _entry(head: str, inner: Any, indent: str) -> Iterator[str]:
    if isinstance(inner, Mapping | list | tuple) and inner:
        yield head
        yield from (f"{indent}{line}" for line in _block(inner))
    else:
        yield f"{head} {_scalar(inner)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping | Sequence):
        return "{}" if isinstance(value, Mapping) else "[]"
    return json.dumps(value)


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value not in _WORDS:
        return value
    return _NOT_PRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
