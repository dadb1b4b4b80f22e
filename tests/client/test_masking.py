"""Secrets that come back from a server: hidden in every spelling."""

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
def test_a_secret_is_hidden_however_it_is_spelled(spelling: str) -> None:
    assert (
        masked(f"bad key {spelling}, sorry".encode(), Secret("other"), None, Secret(KEY)) == b"bad key (secret), sorry"
    )


def test_what_is_no_secret_stays() -> None:
    assert masked("ключ keypl/us".encode(), Secret(KEY)) == "ключ keypl/us".encode()
