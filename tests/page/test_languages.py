"""The page in the reader's language: every word, number and date."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyrus_etl.reports.page.assemble import CHARTS, LANGUAGES, page
from pyrus_etl.reports.page.figures import Figures
from tests.page.browser import Browser
from tests.page.test_every_word import TEXTS, TOOLTIPS
from tests.page.test_page import Parts
from tests.runs import CHECKOUT

FOLDER = CHECKOUT / "pyrus_etl/reports/page"
SHOWN = {"title", "description", "domain", "datum"}
FROM_SQL = {
    "Everything", "Without a form", "Unknown", "No form", "none", "not asked for", "missing", "denied", "corrupt",
    "failed", "under 1 day", "1 to 3 days", "3 to 7 days", "7 to 14 days", "14 to 30 days", "30 to 90 days",
    "90 to 180 days", "180 to 365 days", "365 days and more",
}  # fmt: skip
"""Words in the figures."""
CODE = {"pyrus-etl sync", "pyrus_report", "pyrus-etl attachments download"}


def words(language: str) -> dict[str, str]:
    return msgspec.json.decode((FOLDER / f"words/{language}.json").read_bytes(), type=dict[str, str])


def of_chart(spec: Any, key: str = "") -> Iterator[str]:
    """The texts that a chart shows."""
    for name, each in spec.items() if isinstance(spec, dict) else ((key, each) for each in spec):
        if isinstance(each, dict | list):
            yield from of_chart(each, name)
        elif isinstance(each, str) and name in SHOWN:
            yield each
        elif name == "calculate":
            yield from re.findall(r"'([A-Z][^']*)'", each)


def of_script(text: str) -> Iterator[str]:
    """The texts that the script gives to its dictionary, and the titles of its columns."""
    for call in re.findall(r'\bt\(((?:"(?:[^"\\]|\\.)*"(?:\s*\+\s*)?)+)', text):
        yield "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call))
    constants = text[text.index("const PERIODS") :]
    for block in re.findall(r"^const (?:PERIODS|COLUMNS|TABLES|ABOUT_FILES) = \{.*?\};$", constants, re.M | re.S):
        yield from re.findall(r'"([^"]+)"', block)


def of_page(html: str) -> Iterator[str]:
    parts = Texts(html)
    yield from parts.found


class Texts(Parts):
    """Collects what a reader reads."""

    def __init__(self, text: str) -> None:
        self.found: set[str] = set()
        super().__init__(text)

    def handle_data(self, data: str) -> None:
        if text := " ".join(data.split()):
            self.found.add(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        self.found |= {value for name, value in attrs if name == "aria-label" and value}


@pytest.mark.parametrize("language", set(LANGUAGES) - {"en"})
def test_every_text_has_its_translation_with_the_same_values(language: str) -> None:
    charts = (msgspec.json.decode((FOLDER / f"charts/{name}.json").read_bytes()) for name in CHARTS)
    script = (FOLDER / "words.js").read_text("utf-8") + (FOLDER / "page.js").read_text("utf-8")
    html = re.sub(r"\{\{\w+\}\}", "", (FOLDER / "page.html").read_text("utf-8"))
    shown = {text for chart in charts for text in of_chart(chart)} | {*of_script(script)} | {*of_page(html)}
    found = words(language)

    assert sorted(found) == sorted((shown | FROM_SQL) - CODE - {"."})
    values = {text: sorted(re.findall(r"\{\w+\}", text)) for text in found}
    assert {text: sorted(re.findall(r"\{\w+\}", other)) for text, other in found.items()} == values


@pytest.fixture
def in_russian(browser: Browser) -> Iterator[Browser]:
    """A browser whose reader prefers Russian."""
    agent = browser.evaluate("navigator.userAgent")
    browser.call("Network.setUserAgentOverride", userAgent=agent, acceptLanguage="ru-RU,de")
    browser.complaints.clear()
    browser.look_like()
    yield browser
    browser.call("Network.setUserAgentOverride", userAgent=agent, acceptLanguage="en-US")


def test_the_page_is_in_the_language_of_the_browser(in_russian: Browser, path: Path) -> None:
    in_russian.open(path)
    shown = in_russian.evaluate(TEXTS)
    tooltips = in_russian.evaluate(TOOLTIPS)

    russian = words("ru")
    assert set(shown) & {text for text, other in russian.items() if other != text} == set()
    assert {"Поток", "Открыто сейчас", "90 дней", "Таблицей"} <= set(shown)
    assert in_russian.evaluate("[document.documentElement.lang, document.title]") == ["ru", "Pyrus с одного взгляда"]
    assert re.fullmatch(r"На конец дня: \d+ мар\. 2026; Открыто: [\d\xa0]+; .*", tooltips["flow"][-1])
    assert re.match(r"День: пн; Время: 00:00–00:59; Комментарии: ", tooltips["heat"][0])
    assert in_russian.complaints == []


def test_numbers_and_dates_are_written_as_in_the_language(in_russian: Browser, path: Path) -> None:
    in_russian.open(path)
    values = "[number(12345.5), hours(30), hours(2.5), hours(24 * 21), hours(24 * 12), size(1536), month('2026-03-01')]"

    assert in_russian.evaluate(values) == [
        "12\xa0345,5", "1 д 6 ч", "2 ч 30 мин", "21 день", "12 дней", "1,5 КБ", "март 2026 г."
    ]  # fmt: skip
    assert in_russian.evaluate("ago(7300)") == "2 часа назад"


def test_a_language_can_be_set_for_all_readers(in_russian: Browser, computed: Figures, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page(computed, "en"), "utf-8")
    in_russian.open(tmp_path / "page.html")

    assert in_russian.evaluate("document.documentElement.lang") == "en"
    assert "Open now" in in_russian.evaluate(TEXTS)
