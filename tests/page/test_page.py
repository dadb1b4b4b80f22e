"""The page as a file: it contains everything that it needs, and no text of a task becomes markup."""

import base64
import hashlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyrus_etl.cli.reports.report import write
from pyrus_etl.reports.page.assemble import CHARTS, page
from pyrus_etl.reports.page.figures import Figures, figures
from pyrus_etl.reports.page.library import VEGA_LITE
from pyrus_etl.settings import Secret
from tests.reports.conftest import Reports
from tests.reports.world import ANN, INVOICES, task
from tests.runs import CHECKOUT, program

HOSTILE = (
    "</script><script>window.hit = 1</script><!--\u2028\u2029 \"'`${window.hit=2} {{script}} <img src=x onerror=hit=3>"
)
CONVERT = """
import json, sys, vl_convert
charts = json.load(sys.stdin)
vega = {name: vl_convert.vegalite_to_vega(chart, vl_version=sys.argv[1]) for name, chart in charts.items()}
json.dump(vega, sys.stdout)
"""
LOADING = {"src", "href", "srcset", "action", "data", "poster", "background", "formaction", "ping"}


class Parts(HTMLParser):
    """Collects elements with their attributes, and the texts of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.cdata_elem:
            self.texts.append((self.cdata_elem, data))

    @property
    def figures(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.texts[1][1])
        return found


@pytest.fixture
def made(computed: Figures, path: Path) -> tuple[Figures, str]:
    """The figures of an organisation, and its page."""
    return computed, path.read_text("utf-8")


def test_the_page_loads_nothing(made: tuple[Figures, str]) -> None:
    parts = Parts(made[1])

    assert [(tag, attributes) for tag, attributes in parts.elements if LOADING & attributes.keys()] == []
    assert {tag for tag, _ in parts.elements}.isdisjoint({"link", "iframe", "object", "embed", "img", "base"})
    assert "url(" not in parts.texts[0][1]
    assert "@import" not in parts.texts[0][1]


def test_the_policy_has_the_digests_of_the_scripts_and_the_style(made: tuple[Figures, str]) -> None:
    parts = Parts(made[1])
    (policy,) = (
        attributes["content"] or ""
        for _, attributes in parts.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    style, _, *scripts = (
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for _, text in parts.texts
    )
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))

    assert [kind for kind, _ in parts.texts] == ["style", "script", "script", "script"]
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == " ".join(scripts)
    assert rules["style-src-elem"] == style


def test_the_page_holds_every_figure(made: tuple[Figures, str]) -> None:
    embedded = Parts(made[1]).figures

    assert {name: embedded[name] for name in ("scopes", "axes", "clock")} == msgspec.json.decode(
        msgspec.json.encode({name: getattr(made[0], name) for name in ("scopes", "axes", "clock")})
    )
    assert embedded["charts"].keys() == {*CHARTS, "config"}


def test_the_page_is_small(made: tuple[Figures, str]) -> None:
    assert len(made[1].encode()) < 2_000_000


@pytest.fixture(scope="module")
def converted() -> dict[str, Any]:
    """Every chart as the library reads it, in another process: its JavaScript engine takes 100 MB."""
    sizes = {"data": {"name": "rows", "values": [{}]}, "width": 400, "height": 200}
    charts = {name: {**msgspec.json.decode(text_of(name)), **sizes} for name in CHARTS}
    command = [sys.executable, "-c", CONVERT, VEGA_LITE]
    ended = subprocess.run(command, input=msgspec.json.encode(charts), capture_output=True, check=True)
    found: dict[str, Any] = msgspec.json.decode(ended.stdout)
    return found


def text_of(chart: str) -> str:
    return (CHECKOUT / f"pyrus_etl/reports/page/charts/{chart}.json").read_text("utf-8")


@pytest.mark.parametrize("name", CHARTS)
def test_the_library_accepts_every_chart(name: str, converted: dict[str, Any], made: tuple[Figures, str]) -> None:
    """Every colour that a chart names is in the style sheet, for light and for dark mode."""
    colours = set(re.findall(r"var\((--\w+)\)", text_of(name)))
    style = Parts(made[1]).texts[0][1]

    assert converted[name]["marks"]
    assert {colour: style.count(f"{colour}:") for colour in colours} == dict.fromkeys(colours, 2)


def test_texts_stay_texts(reports: Reports) -> None:
    reports.load(
        task(
            1, "2026-03-02 09:00", Text=HOSTILE, DueDate=None, Author=ANN | {"FirstName": HOSTILE},
            Responsible=ANN | {"FirstName": HOSTILE}, Projects=[INVOICES | {"Name": HOSTILE}],
            Approvals=[[{"Person": ANN | {"FirstName": HOSTILE}}]],
        )
    )  # fmt: skip
    parts = Parts(page(figures(reports.connection)))

    assert [kind for kind, _ in parts.texts] == ["style", "script", "script", "script"]
    assert parts.figures["scopes"][0]["approvals"][0]["text"] == HOSTILE
    assert not set("<>&\u2028\u2029") & set(parts.texts[1][1])


def test_the_command_writes_the_page_and_prints_its_path(reports: Reports, database: Secret, tmp_path: Path) -> None:
    reports.load(task(1, "2026-03-02 09:00"))
    ended = program("report", "--html", "page.html", database=database)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "The page is in page.html" in ended.stdout
    assert Parts((tmp_path / "page.html").read_text()).figures["tasks"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_the_page_and_its_figures_go_to_stdout(reports: Reports, database: Secret, tmp_path: Path) -> None:
    reports.load(task(1, "2026-03-02 09:00"))
    shown = program("report", "--html", "-", database=database)
    counted = program("report", "--html", "page.html", "--json", database=database)
    found = msgspec.json.decode(counted.stdout)

    assert (shown.returncode, shown.stderr) == (counted.returncode, counted.stderr) == (0, "")
    assert Parts(shown.stdout).figures["tasks"] == 1
    assert (found["scopes"][0]["name"], found["scopes"][0]["open"]) == ("Everything", 1)
    assert (found["html"], found["html_bytes"]) == ("page.html", (tmp_path / "page.html").stat().st_size)


def test_a_page_without_a_place_is_wrong_usage(database: Secret) -> None:
    nowhere = program("report", database=database)
    both = program("report", "--html", "-", "--json", database=database)

    assert (nowhere.returncode, both.returncode) == (2, 2)
    assert "Give --html FILE for a page, or --json for its figures." in nowhere.stderr
    assert "both print to stdout" in both.stderr + both.stdout


def test_a_file_that_cannot_be_written_is_an_error(database: Secret, tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    in_the_way = program("report", "--html", "page.html", database=database)
    nowhere = program("report", "--html", "no/such/folder.html", database=database)

    assert (in_the_way.returncode, nowhere.returncode) == (2, 2)
    assert "page.html cannot be written" in in_the_way.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_pipe_is_written_to_and_not_replaced(reports: Reports, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as reader:
        read = reader.submit((tmp_path / "pipe").read_bytes)
        write(figures(reports.connection), tmp_path / "pipe")

        assert read.result(timeout=60).endswith(b"</html>\n")
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_stays_one(reports: Reports, tmp_path: Path) -> None:
    (tmp_path / "link.html").symlink_to("page.html")
    write(figures(reports.connection), tmp_path / "link.html")

    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "page.html").is_file()
