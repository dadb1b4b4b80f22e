"""Figures → one HTML file: the figures, the charts and the library that draws them, under a strict policy."""

import base64
import hashlib
import re
from importlib.resources import files

import msgspec

from pyrus_etl.reports.page.figures import Figures
from pyrus_etl.reports.page.library import library

CHARTS = ("flow", "throughput", "cycle", "age", "people", "heat")

LANGUAGES = ("en", "ru")
"""English, and every language with a file of words: its texts by the English ones."""

_FOLDER = files("pyrus_etl.reports.page")
_MARK = re.compile(r"\{\{(\w+)\}\}")


def page(figures: Figures, language: str | None = None) -> str:
    """Returns the page. It loads nothing, and its policy allows only the two scripts that it contains.

    `language`: one of LANGUAGES; without it, the browser's if that is one of them, else English.
    """
    charts, script, style = library(), _text("words.js") + _text("page.js"), _text("page.css")
    parts = {
        "policy": _policy(scripts=(charts, script), style=style),
        "style": style,
        "figures": _embedded(figures, language),
        "library": charts,
        "script": script,
    }
    return _MARK.sub(lambda mark: parts[mark[1]], _text("page.html"))


def _text(name: str) -> str:
    return _FOLDER.joinpath(name).read_text("utf-8")


def _embedded(figures: Figures, language: str | None) -> str:
    """Returns figures, charts and words as JSON that is safe in a script element, whatever texts it contains."""
    charts = {name: msgspec.json.decode(_text(f"charts/{name}.json")) for name in (*CHARTS, "config")}
    words = {other: msgspec.json.decode(_text(f"words/{other}.json")) for other in LANGUAGES if other != "en"}
    shown = {**msgspec.structs.asdict(figures), "charts": charts, "language": language, "words": words}
    text = msgspec.json.encode(shown).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _policy(scripts: tuple[str, ...], style: str) -> str:
    """Returns the Content-Security-Policy. Style attributes are allowed because tooltips are positioned by them.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
    """
    return (
        f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; style-src-elem {_hash(style)}; "
        "style-src-attr 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    """Returns the digest that identifies an inline script or style in a policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
