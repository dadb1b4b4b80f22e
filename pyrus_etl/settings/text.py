"""Text from outside: options, variables, config and secret files, all read in the same way.

Editors, chats and web pages put characters into a text that nobody sees: a byte order mark, zero-width spaces, soft
hyphens, no-break spaces. At the ends they are removed; inside, they are refused by name.
"""

import codecs
import unicodedata
from pathlib import Path

from pyrus_etl.errors import SettingsError

LARGEST_FILE = 1 << 20
"""Bytes of a config or secret file."""

_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
_BLANK = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc\ufffe\uffff") | set(
    map(chr, range(0xFE00, 0xFE10))
)
"""Characters without a glyph whose category does not say so: fillers, joiners, variation selectors."""
_CONTROLS = {"\0": "NULL", "\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # it begins with UTF-16's mark
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BYTES = range(0xDC80, 0xDD00)
"""Python's stand-ins for bytes of the environment that are not UTF-8."""


def is_invisible(character: str) -> bool:
    """Whether nobody sees the character; a space counts."""
    return unicodedata.category(character) in _INVISIBLE or character in _BLANK


def stripped(text: str) -> str:
    """The text without spaces and invisible characters at its ends."""
    return text[_margin(text) : len(text) - _margin(text[::-1])]


def _margin(text: str) -> int:
    return next((place for place, character in enumerate(text) if not _is_padding(character)), len(text))


def _is_padding(character: str) -> bool:
    """Whether an editor may have added it; other control characters and broken bytes are damage."""
    return character.isspace() or (is_invisible(character) and unicodedata.category(character) not in ("Cc", "Cs"))


def cleaned(text: str, where: str) -> str:
    """The text stripped; raises SettingsError if an invisible character other than a space is left in it.

    The message names the character and its place, never the text: it may be a secret.
    """
    clean = stripped(text)
    found = first_invisible(clean)
    if found is not None:
        place = found + 1 + (0 if clean == text else _margin(text))
        raise SettingsError(f"{where} holds {described(clean[found])} at character {place}; remove it.")
    return clean


def first_invisible(text: str) -> int | None:
    """The place of the first invisible character other than a space."""
    return next((place for place, each in enumerate(text) if each != " " and is_invisible(each)), None)


def described(character: str) -> str:
    """`U+200B (ZERO WIDTH SPACE)`."""
    if ord(character) in _BYTES:
        return f"the byte 0x{ord(character) - 0xDC00:02X}, which is not UTF-8,"
    name = _CONTROLS.get(character) or unicodedata.name(character, "invisible")
    return f"U+{ord(character):04X} ({name})"


def read_text(path: str, where: str) -> str:
    """The text of a file, in UTF-8, or in what its byte order mark says; raises SettingsError."""
    try:
        with Path(stripped(path)).expanduser().open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a user without a home
        reason = getattr(error, "strerror", None) or "that is not a path"
        raise SettingsError(f"{where} cannot be read: {reason}; name a file that can.") from error
    if len(raw) > LARGEST_FILE:
        raise SettingsError(f"{where} has more than {LARGEST_FILE} bytes; name another file.")
    try:
        return raw.decode(next((encoding for mark, encoding in _MARKS if raw.startswith(mark)), "utf-8"))
    except UnicodeDecodeError:  # it would show the text
        raise SettingsError(f"{where} cannot be read: it is not UTF-8 text; save it as UTF-8.") from None
