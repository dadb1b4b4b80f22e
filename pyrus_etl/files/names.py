"""Names of files that every system can store, made from names that people gave.

Windows' rules are the strictest: https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file.
"""

import re
import unicodedata

LONGEST = 240
"""Bytes of a name in UTF-8; most systems allow 255."""
LONGEST_ENDING = 20
UNNAMED = "unnamed"
_FORBIDDEN = re.compile(r'[/\\<>:"|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_SAFE = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9_. -]{,198}[A-Za-z0-9_-])?")
_UNSEEN = ("Cc", "Cs", "Zl", "Zp")
_TURNED = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of a text: with them, `exe.txt` may be a program."""


def safe_name(name: str | None) -> str:
    """The name of a file without anything that a system could take for something else.

    It is one component of a path on Linux, macOS and Windows, at most `LONGEST` bytes long, and keeps its ending. A
    name that is safe already stays as it is; two different names may become the same.
    """
    if name and _SAFE.fullmatch(name) and not _RESERVED.match(name):  # most names
        return name
    seen = "".join(_seen(character) for character in name or "")
    found = _shortened(_FORBIDDEN.sub("_", seen).strip(" ").rstrip(". ")) or UNNAMED
    return f"_{found}" if _RESERVED.match(found) else found


def _seen(character: str) -> str:
    is_unseen = unicodedata.category(character) in _UNSEEN or character in _TURNED
    return "_" if is_unseen else character


def _shortened(name: str) -> str:
    """Cuts the middle out of a long name, so that its ending stays."""
    if len(name.encode()) <= LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending.encode()) > LONGEST_ENDING:
        stem, dot, ending = name, "", ""
    return _cut(stem, LONGEST - len((dot + ending).encode())).rstrip(". ") + dot + ending


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")
