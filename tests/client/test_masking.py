"""Secrets that a server sends back are masked in every spelling."""

import json
from html import escape
from urllib.parse import quote

import pytest

from pyrus_etl.client.masking import masked
from pyrus_etl.settings import Secret

KEY = 'key+pl/us"q=\\ü'
SPELLINGS = {
    "plain": KEY,
    "json": json.dumps(KEY)[1:-1],
    "json in full": "".join(f"\\u{ord(character):04X}" for character in KEY),
    "json with slashes": KEY.replace("\\", "\\\\").replace("/", "\\/").replace('"', '\\"'),
    "html": escape(KEY),
    "html by numbers": "".join(f"&#x{ord(character):02X};" for character in KEY),
    "percent": quote(KEY, safe=""),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_is_masked_in_every_spelling(spelling: str) -> None:
    assert (
        masked(f"bad key {spelling}, sorry".encode(), Secret("other"), None, Secret(KEY)) == b"bad key (secret), sorry"
    )


def test_other_text_is_not_masked() -> None:
    assert masked("ключ keypl/us".encode(), Secret(KEY)) == "ключ keypl/us".encode()
