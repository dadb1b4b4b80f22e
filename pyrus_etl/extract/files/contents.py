"""What an answer with contents says about them: their name, size and type."""

import re
from collections.abc import Mapping
from urllib.parse import unquote

_PARAMETER = re.compile(
    r""";\s*(?P<name>[\w!#$&+.^`|~-]+\*?)\s*=\s*(?:"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<plain>[^;]*))"""
)


def name_in(headers: Mapping[str, str]) -> str | None:
    """The file name in Content-Disposition: that of `filename*` if it can be read (RFC 6266), else `filename`."""
    header = headers.get("Content-Disposition", "")
    found = {each["name"].lower(): each for each in _PARAMETER.finditer(header)}
    if extended := found.get("filename*"):
        charset, _, encoded = (extended["plain"] or extended["quoted"] or "").strip().partition("'")
        try:
            return unquote(encoded.partition("'")[2], charset or "utf-8", "strict") or None
        except (LookupError, UnicodeDecodeError):
            pass
    if not (plain := found.get("filename")):
        return None
    text = re.sub(r"\\(.)", r"\1", plain["quoted"]) if plain["quoted"] is not None else plain["plain"].strip()
    return text.encode("utf-8", "surrogateescape").decode(errors="replace") or None


def size_in(headers: Mapping[str, str]) -> int | None:
    """The size in Content-Length; None if it is missing, or of a packed body."""
    length = headers.get("Content-Length", "")
    is_whole = headers.get("Content-Encoding", "identity") in ("", "identity")
    return int(length) if is_whole and length.isdecimal() and len(length) < 19 else None
