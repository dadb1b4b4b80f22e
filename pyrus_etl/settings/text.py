"""Cleans text from outside: options, environment variables, config and secret files.

Editors, chats and web pages insert invisible characters: a byte order mark, zero-width spaces, soft hyphens, no-break
spaces. They are removed from both ends of a text. Inside it they are an error that names the character.
"""

import codecs
import unicodedata
from pathlib import Path

from pyrus_etl.errors import SettingsError

MAX_FILE = 1 << 20
"""Size limit of a config or secret file, in bytes."""

_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
_BLANK = set("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc\ufffe\uffff") | set(
    map(chr, range(0xFE00, 0xFE10))
)
"""Invisible characters in other categories: fillers, joiners, variation selectors."""
_CONTROLS = {"\0": "NULL", "\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BYTES = range(0xDC80, 0xDD00)
"""The surrogates by which Python represents bytes of the environment that are not UTF-8 (PEP 383)."""


def is_invisible(character: str) -> bool:
    """Returns whether the character is invisible. Spaces are."""
    return unicodedata.category(character) in _INVISIBLE or character in _BLANK


def stripped(text: str) -> str:
    """Returns the text without spaces and invisible characters at its ends."""
    return text[_margin(text) : len(text) - _margin(text[::-1])]


def _margin(text: str) -> int:
    return next((index for index, character in enumerate(text) if not _is_padding(character)), len(text))


def _is_padding(character: str) -> bool:
    """Returns whether an editor may have added the character. Other control characters and invalid bytes are damage."""
    return character.isspace() or (is_invisible(character) and unicodedata.category(character) not in ("Cc", "Cs"))


def cleaned(text: str, source: str) -> str:
    """Returns the stripped text. Raises SettingsError if it still contains an invisible character other than a space.

    The message names the character and its position but not the text, which may be a secret.
    """
    clean = stripped(text)
    index = first_invisible(clean)
    if index is not None:
        position = index + 1 + (0 if clean == text else _margin(text))
        raise SettingsError(f"{source} contains {described(clean[index])} at character {position}; remove it.")
    return clean


def first_invisible(text: str) -> int | None:
    """Returns the index of the first invisible character other than a space, or None."""
    return next((index for index, each in enumerate(text) if each != " " and is_invisible(each)), None)


def described(character: str) -> str:
    """Describes a character, for example as `U+200B (ZERO WIDTH SPACE)`."""
    if ord(character) in _BYTES:
        return f"the byte 0x{ord(character) - 0xDC00:02X}, which is not UTF-8,"
    name = _CONTROLS.get(character) or unicodedata.name(character, "invisible")
    return f"U+{ord(character):04X} ({name})"


def read_text(path: str, source: str) -> str:
    """Reads a file in the encoding of its byte order mark, or else UTF-8. Raises SettingsError."""
    try:
        with Path(stripped(path)).expanduser().open("rb") as file:
            raw = file.read(MAX_FILE + 1)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: ~user without a home folder
        reason = getattr(error, "strerror", None) or "it is not a path"
        raise SettingsError(f"{source} cannot be read: {reason}; name a readable file.") from error
    if len(raw) > MAX_FILE:
        raise SettingsError(f"{source} has more than {MAX_FILE} bytes; name another file.")
    try:
        return raw.decode(next((encoding for mark, encoding in _MARKS if raw.startswith(mark)), "utf-8"))
    except UnicodeDecodeError:  # its message would show the text
        raise SettingsError(f"{source} cannot be read: it is not UTF-8 text; save it as UTF-8.") from None
