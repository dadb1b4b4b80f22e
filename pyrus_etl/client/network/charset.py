"""Bodies → UTF-8, according to the declared charset, without invisible characters at the front.

All later code reads UTF-8: a login, an error envelope, a list row by row, a task.
"""

import codecs
import json
import re
from email.message import Message
from functools import lru_cache
from unicodedata import category

FRONT = 64
"""Bytes at the front of a body that are enough to recognize UTF-16 and UTF-32."""
LONGEST_CHARACTER = 4
DAMAGED = b"\xff"
"""Replaces bytes that are not a character in the declared charset; never part of UTF-8, so `storable` finds it."""

_MARK = "\udfff"
_NO_CHARSETS = {"unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined", "utf-7"}
"""Text codecs of Python under which JSON would mean something else."""
_AS_UTF_8 = {"utf-8", "utf-8-sig", "ascii"}
_WHITE_SPACE = " \t\r\n"
"""JSON's own white space is kept in front of a body, so that the body is stored as it was served."""
_VISIBLE_FROM = 0x3000 + 1
_INVISIBLE = "".join(
    character
    for character in [*map(chr, range(_VISIBLE_FROM)), "\ufeff"]
    if character not in _WHITE_SPACE and (character.isspace() or category(character) in ("Cc", "Cf"))
)
_ANY_INVISIBLE = b"|".join(re.escape(character.encode()) for character in _INVISIBLE)
_INVISIBLES = re.compile(rb"(?:[ \t\r\n]*(?:" + _ANY_INVISIBLE + b"))+")

codecs.register_error("pyrus_etl.mark", lambda error: (_MARK, getattr(error, "end", 0)))


class Transcoder:
    """Converts a body that arrives in pieces to UTF-8; bytes that do not fit its charset become DAMAGED.

    A body in UTF-8 passes through unchecked.
    """

    def __init__(self, declared: str | None) -> None:
        self._declared = declared
        self._decoder: codecs.IncrementalDecoder | None = None
        self._held = b""
        self._identified = self._begun = False

    def feed(self, piece: bytes, *, last: bool = False) -> bytes:
        """Converts the next piece; a few bytes are held back until the front of the body is known."""
        if not self._identified:
            piece, self._held = self._held + piece, b""
            if len(piece) < FRONT and not last:
                self._held = piece
                return b""
            self._decoder = _decoder(charset_of(piece, self._declared))
            self._identified = True
        if self._decoder:
            piece = _marked(self._decoder.decode(piece, last))
        return piece if self._begun else self._begin(piece, last=last)

    def _begin(self, piece: bytes, *, last: bool) -> bytes:
        """The body from its first visible character on, once that character has arrived completely."""
        visible = without_invisible_front(self._held + piece)
        written = visible.lstrip(_WHITE_SPACE.encode())
        self._begun = last or len(written) >= LONGEST_CHARACTER or len(visible) >= FRONT
        self._held = b"" if self._begun else visible
        return visible if self._begun else b""


@lru_cache(maxsize=64)  # a server sends few
def declared_charset(content_type: str) -> str | None:
    """The charset that a Content-Type header declares."""
    header = Message()
    header["Content-Type"] = content_type
    declared = header.get_param("charset")
    return declared if isinstance(declared, str) else None


def charset_of(front: bytes, declared: str | None) -> str:
    """Python's name of the charset of a body.

    The first bytes decide if they show UTF-16, UTF-32 or a byte order mark, because JSON begins in ASCII. Otherwise
    the declared charset does, if Python knows it. Otherwise it is UTF-8.
    """
    shown = json.detect_encoding(front)
    if shown != "utf-8":
        return shown
    name = _known(declared)
    return "utf-8" if name.startswith(("utf-16", "utf-32")) and 0 not in front else name


def without_invisible_front(body: bytes) -> bytes:
    """Removes byte order marks and other invisible characters from the front; JSON's white space may stay."""
    invisible = _INVISIBLES.match(body)
    return body[invisible.end() :] if invisible else body


@lru_cache(maxsize=64)  # a server declares few charsets
def _known(declared: str | None) -> str:
    try:
        name = codecs.lookup((declared or "").strip(" \t'\"").lower().removeprefix("x-")).name  # x-cp1251, x-sjis
        bytes(LONGEST_CHARACTER).decode(name)  # refuses codecs that are not about text
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if name.replace("_", "-") in _NO_CHARSETS else name


def _decoder(charset: str) -> codecs.IncrementalDecoder | None:
    if charset in _AS_UTF_8:
        return None
    return codecs.getincrementaldecoder(charset)("pyrus_etl.mark")


def _marked(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").replace(_MARK.encode("utf-8", "surrogatepass"), DAMAGED)
