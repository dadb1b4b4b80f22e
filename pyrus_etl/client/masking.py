"""Masks secrets that a server sends back, in any spelling, before an answer is shown or stored."""

import re
from functools import lru_cache
from html import escape
from urllib.parse import quote

from pyrus_etl.settings import Secret

MASK = b"(secret)"


def masked(body: bytes, *secrets: Secret | None) -> bytes:
    """The body with the secrets masked, whether they are plain, escaped as in JSON or HTML, or percent-encoded."""
    for secret in filter(None, secrets):
        body = _spellings(secret.reveal()).sub(MASK, body)
    return body


@lru_cache(maxsize=32)
def _spellings(text: str) -> re.Pattern[bytes]:
    return re.compile(b"".join(map(_any_spelling, text)), re.IGNORECASE)


def _any_spelling(character: str) -> bytes:
    code = ord(character)
    spellings = {character, f"\\{character}", quote(character, safe=""), escape(character), f"\\u{code:04x}"}
    numbers = rf"&\#0*{code};|&\#x0*{code:x};"
    return f"(?:{'|'.join(map(re.escape, sorted(spellings, key=len, reverse=True)))}|{numbers})".encode()
