"""The page in a real browser, without a network."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pyrus_etl.reports.page.assemble import CHARTS, page
from pyrus_etl.reports.page.figures import Figures, Scoped, figures
from tests.page.browser import Browser
from tests.page.test_page import HOSTILE
from tests.reports.conftest import Reports
from tests.reports.views.test_detail import REGISTERED
from tests.reports.world import ANN, INVOICES, on, task

FIGURES = (
    "Object.fromEntries([...document.querySelectorAll('[data-figure]')].map(e => [e.dataset.figure, e.textContent]))"
)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LUMINANCE = (
    "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0)"
)


def table(chart: str) -> str:
    """The cells of the table below a chart."""
    rows = f"document.querySelectorAll('[data-chart={chart}] details tbody tr')"
    return f"[...{rows}].map(row => [...row.cells].map(cell => cell.textContent))"


def done_since(computed: Figures, scope: Scoped, period: int) -> int:
    """The tasks done since the first day shown: that of the period, or the first with a task."""
    start = computed.clock["today"] - timedelta(days=period)
    daily = start >= computed.axes.days[0]
    axis, columns = (computed.axes.days, scope.flow_days) if daily else (computed.axes.week_ends, scope.flow_weeks)
    rows = zip(axis, columns["open"], columns["done"], strict=True)
    done = [done for day, opened, done in rows if day >= start and (opened or done)]
    return done[-1] - done[0]


@pytest.fixture
def opened(browser: Browser, path: Path) -> Browser:
    """The page of the organisation, just opened."""
    browser.complaints.clear()
    browser.look_like()
    browser.open(path)
    return browser


def test_every_chart_is_drawn_without_errors(opened: Browser) -> None:
    drawn = opened.evaluate(
        "[...document.querySelectorAll('[data-chart]')].filter(e => e.querySelector('svg path')).length"
    )

    assert drawn == len(CHARTS)
    assert (
        opened.evaluate("document.querySelectorAll('svg[aria-label], [role=graphics-document][aria-label]').length") > 0
    )
    assert opened.complaints == []


@pytest.mark.parametrize("period", [30, 90, 365, 730])
def test_the_figures_follow_the_filters(opened: Browser, computed: Figures, period: int) -> None:
    largest = max(range(1, len(computed.scopes)), key=lambda number: computed.scopes[number].open)
    for number in (0, largest, len(computed.scopes) - 1):
        opened.choose(number, period)
        scope, shown = computed.scopes[number], opened.evaluate(FIGURES)

        cycle: dict[str, Any] = scope.cycle.get(period, {"closed": 0, "p85": None})
        assert [shown[name] for name in ("open", "overdue", "waiting", "closed")] == [
            f"{value:,}" for value in (scope.open, scope.overdue, scope.waiting, cycle["closed"])
        ]
        assert shown["p85"].startswith(
            "–" if cycle["p85"] is None else str(round(cycle["p85"] / 24)) if cycle["p85"] >= 240 else ""
        )
        assert opened.evaluate(table("age")) == [
            [row["bucket"], f"{row['open']:,}", f"{row['overdue']:,}"] for row in scope.age
        ]
        assert [row[:2] for row in opened.evaluate(table("people"))] == [
            [row["person"], str(row["approvals"])] for row in scope.waited_for
        ]
        links = "[...document.querySelectorAll('[data-table=overdue_tasks] a')].map(link => link.href)"
        assert opened.evaluate(links) == [row["link"] for row in scope.overdue_tasks]
        if scope.open:
            assert opened.evaluate(table("flow"))[-1][1:] == [
                f"{scope.open:,}",
                f"{done_since(computed, scope, period):,}",
            ]
    assert opened.complaints == []


@pytest.mark.parametrize("width", [390, 320, 768, 1600])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_the_screen_by_day_and_by_night(browser: Browser, path: Path, width: int, dark: bool) -> None:
    browser.complaints.clear()
    browser.look_like(width=width, dark=dark)
    browser.open(path)

    assert browser.evaluate(OVERFLOW) <= 0
    assert (browser.evaluate(LUMINANCE) < 200) is dark
    too_wide = "[...document.querySelectorAll('svg')].filter(e => e.getBoundingClientRect().right > innerWidth).length"
    assert browser.evaluate(too_wide) == 0
    assert browser.complaints == []


def test_headings_say_how_many_rows_there_are_if_not_all_are_shown(opened: Browser, computed: Figures) -> None:
    totals = (
        "[...document.querySelectorAll('.total')].map(e => [e.parentElement.firstChild.data.trim(), e.textContent])"
    )
    everything, files = computed.scopes[0], computed.file_totals
    shown = {
        "Pending approvals by person": (everything.waited_for, everything.totals["people"]),
        "Approvals waiting longest": (everything.approvals, everything.totals["approvals"]),
        "Overdue longest": (everything.overdue_tasks, everything.totals["overdue_tasks"]),
        "Older than usual": (everything.aging, everything.totals["aging"]),
        "Largest files": (computed.files["largest"], files["largest"]),
        "Files by month": (computed.files["month"], files["month"]),
        "Files by type": (computed.files["type"], files["type"]),
    }

    found = dict(opened.evaluate(totals))
    assert {heading: found[heading] for heading in shown} == {
        heading: f"{len(rows)} of {total:,}" if len(rows) < total else "" for heading, (rows, total) in shown.items()
    }
    assert everything.totals["overdue_tasks"] > len(everything.overdue_tasks)


def test_the_address_says_what_is_chosen(opened: Browser, path: Path, computed: Figures) -> None:
    number = next(place for place, scope in enumerate(computed.scopes) if scope.kind == "project")
    address = f"#project={computed.scopes[number].id}&days=365"
    opened.choose(number, 365)
    assert opened.evaluate("location.hash") == address

    opened.choose(0, 30)
    assert opened.evaluate("location.hash") == "#days=30"
    opened.evaluate(f"void (location.hash = '{address}')")
    opened.wait_for(f"document.body.dataset.shown === '{number}/365'")

    opened.evaluate("void (location.hash = '#form=nobody&days=31&x=%zz')")
    opened.wait_for("document.body.dataset.shown === '0/90'")
    assert opened.complaints == []


def test_charts_change_their_colours_with_the_screen(opened: Browser) -> None:
    colour = "document.querySelector('[data-chart=people] svg path[aria-roledescription=bar]').getAttribute('fill')"
    by_day = opened.evaluate(colour)
    opened.look_like(dark=True)

    opened.wait_for(f"({colour}) !== '{by_day}'")


def test_a_chart_has_a_tooltip(opened: Browser) -> None:
    """The position of a tooltip is a style attribute, which the policy must allow."""
    at = opened.evaluate("""(() => {
        const bar = document.querySelector('[data-chart=people] svg path[aria-roledescription=bar]');
        bar.scrollIntoView({block: 'center'});
        const box = bar.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    })()""")
    opened.call("Input.dispatchMouseEvent", type="mouseMoved", x=at[0], y=at[1])

    opened.wait_for("document.querySelector('#vg-tooltip-element.visible')?.textContent.includes('Waiting')")
    assert opened.complaints == []


def test_hostile_texts_are_shown_and_never_run(browser: Browser, reports: Reports, tmp_path: Path) -> None:
    person = ANN | {"FirstName": HOSTILE, "LastName": ""}
    reports.load(
        task(1, "2026-03-02 09:00", Text=HOSTILE, DueDate=on("2026-03-10"), Author=person, Responsible=person,
             Projects=[INVOICES | {"Name": HOSTILE}], Approvals=[[{"Person": person}]]),
    )  # fmt: skip
    reports.connection.execute("UPDATE pyrus.report_settings SET task_url = 'javascript:window.hit=4//'")
    (tmp_path / "page.html").write_text(page(figures(reports.connection)), encoding="utf-8")
    browser.complaints.clear()
    browser.look_like()
    browser.open(tmp_path / "page.html")
    browser.choose(1, 30)

    assert browser.evaluate("window.hit") is None
    assert browser.evaluate("document.querySelectorAll('main img, main script, [data-table] a').length") == 0
    shown = browser.evaluate("document.querySelector('[data-table=overdue_tasks] bdi').textContent")
    assert shown == " ".join(HOSTILE.split())
    assert browser.complaints == []


def test_the_page_says_how_much_detail_has_arrived(browser: Browser, reports: Reports, tmp_path: Path) -> None:
    reports.load(task(1, "2026-03-02 09:00", Projects=[INVOICES]))
    reports.connection.execute(REGISTERED.replace("(1, 'Open'", "(3, 'Open'"))
    file = tmp_path / "page.html"
    file.write_text(page(figures(reports.connection)), "utf-8")
    browser.open(file)
    hint = "document.getElementById('detail').hidden ? '' : document.getElementById('detail').textContent"
    everything = browser.evaluate(hint)
    browser.choose(2, 90)

    assert everything.startswith("1 of 3 tasks (33%) have been read in detail so far.")
    assert browser.evaluate(hint) == "", "all tasks without a form have been read"


def test_an_empty_database_gets_a_hint(browser: Browser, reports: Reports, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page(figures(reports.connection)), encoding="utf-8")
    browser.complaints.clear()
    browser.open(tmp_path / "page.html")

    assert browser.evaluate("document.getElementById('glance').hidden")
    assert "pyrus-etl sync" in browser.evaluate("document.body.innerText")
    assert browser.complaints == []
