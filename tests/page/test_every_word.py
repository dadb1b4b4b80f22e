"""Every word on the page, read in chromium: texts, charts, tables, and the tooltip of every mark."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.page.assemble import CHARTS, page
from pyrus_etl.reports.page.figures import Figures, figures
from pyrus_etl.sandbox import World
from tests.conftest import clone
from tests.page.browser import Browser
from tests.page.test_page import HOSTILE
from tests.reports.conftest import FETCHED, Reports
from tests.reports.world import ANN, BOB, CONTRACTS, INVOICES, Json, approval, at, note, on, task, value
from tests.servers import Server

NO_WORD = re.compile(r"\b(undefined|NaN|null|Infinity|Invalid Date|\[object \w+\])")
"""Words that programs write for missing values."""

TEXTS = """
    [...document.querySelectorAll('body, body *')].flatMap(element => [
        ...[...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.data),
        ...['aria-label', 'title', 'alt', 'label', 'placeholder'].map(name => element.getAttribute(name) ?? ''),
    ].map(text => element.closest('script, style') ? '' : text.trim())).filter(Boolean)
"""
TOOLTIPS = """
    (() => {
        const found = {};
        const walk = (name, item) => {
            if (item.tooltip) found[name].push(Object.entries(item.tooltip).map(pair => pair.join(': ')).join('; '));
            (item.items ?? []).forEach(below => walk(name, below));
        };
        for (const [name, view] of Object.entries(views)) {
            found[name] = [];
            walk(name, view.scenegraph().root);
        }
        return found;
    })()
"""
MARK = """
    (() => {
        const own = item => item.tooltip && item._svg ? [item._svg] : [];
        const marked = item => [...own(item), ...(item.items ?? []).flatMap(marked)];
        const area = mark => mark.getBoundingClientRect().width * mark.getBoundingClientRect().height;
        const largest = (one, other) => area(other) > area(one) ? other : one;
        const mark = marked(views['%s'].scenegraph().root).reduce(largest);
        mark.scrollIntoView({block: 'center'});
        const box = mark.getBoundingClientRect();
        return [box.x + box.width / 5, box.y + box.height * 4 / 5]; // beside the lines that cross its middle
    })()
"""
SHOWN = "document.querySelector('#vg-tooltip-element.visible')?.innerText ?? ''"

ODD = [
    HOSTILE,
    "\u202eright to left",
    "سلام دنیا",
    "👩‍👩‍👧‍👦 family",
    "x" * 2000,
    "a'b\"c`d\\",
    " ",
    "",
    "{{script}}",
    "constructor",
    "%s %(x)s",
]
CLOSED = note("2026-03-10 09:00", BOB, ActivityAction="Complete")


def nothing(reports: Reports) -> None:
    """No task at all."""


def one_open_task(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00"))


def one_closed_task(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", CLOSED))


def a_task_closed_as_it_was_created(reports: Reports) -> None:
    reports.load(task(1, "2026-03-10 09:00", CLOSED))


def a_task_that_came_just_now(reports: Reports) -> None:
    reports.load(task(1, "2026-03-16 12:00", Approvals=[[approval(ANN)]], DueDate=on("2026-03-16")))


def a_task_without_text_or_people_or_dates(reports: Reports) -> None:
    reports.load({"Id": 1}, {"Id": 2, "Approvals": [[{"Person": {}}]], "DueDate": on("2026-03-01")})


def tasks_that_are_gone(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00"))
    reports.connection.execute("UPDATE pyrus.tasks SET deleted_at = now()")


def odd_names(reports: Reports) -> None:
    reports.load(*(odd(number, name) for number, name in enumerate(ODD, 1)))


def odd(number: int, name: str) -> Json:
    """A task with an odd name, as are those of its form, its project and its people."""
    person: Json = {"Id": number, "FirstName": name, "LastName": name, "Email": name}
    project: Json = {"Id": 1000 + number, "Name": name, "Parent": {"Id": 2000 + number, "Name": name}}
    return task(
        number, "2026-01-02 09:00", note("2026-01-03 09:00", person, Text=name), Text=name, Author=person,
        Responsible=person, Projects=[project], DueDate=on("2026-02-01"), Approvals=[[{"Person": person}]],
        Form=[value(1, "Text", name, name)],
    )  # fmt: skip


def files_of_all_services(reports: Reports) -> None:
    """With and without a name, a size, a date, a person and contents."""
    attached = [{"Id": 7, "Name": ODD[0], "Size": 5}, {"Id": 8}, {"Id": 9, "Name": "", "Size": 2**50}]
    reports.load(
        task(1, "2026-03-02 09:00", note("2026-03-02 10:00", BOB, Attachments=attached)), task(2, "0001-01-01 00:00")
    )
    reports.connection.execute("""
        INSERT INTO pyrus.service_files (service, file_id, name, size_bytes, created_at, payload, places, seen_at)
        VALUES ('paymo', '1', NULL, NULL, NULL, '{}', '{}', now()),
            ('onlyoffice', 'x', 'a.b', 0, '0001-01-01', '{"createdby": {"displayname": ""}}', '{task/1}', now())
    """)
    reports.connection.execute("""
        INSERT INTO pyrus.service_file_contents (service, file_id, status, stored_uri, sha256)
        VALUES ('paymo', '1', 'stored', 's3://bucket/1/a', 'same'), ('onlyoffice', 'x', 'stored', 'odd', 'same')
    """)


def no_forms(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", CLOSED, Projects=[CONTRACTS]), task(2, "2026-03-02 09:00"))


def dates_of_any_year(reports: Reports) -> None:
    reports.load(
        task(1, "0001-01-01 00:00", Projects=[INVOICES]),
        task(2, "2026-03-02 09:00", note("9999-12-31 23:59", BOB, ActivityAction="Complete")),
        task(3, "2030-03-02 09:00", DueDate=on("9999-12-31"), Approvals=[[approval(ANN)]]),
        task(4, "2026-03-02 09:00", CloseDate=at("2026-03-01 09:00")),
    )


def an_organisation(reports: Reports) -> None:
    world = World(seed=7, tasks=150, start=FETCHED)
    reports.load(*(world.task(task_id)["TaskWithNotes"] for task_id in world.task_ids()))


WORLDS = [
    nothing, one_open_task, one_closed_task, a_task_closed_as_it_was_created, a_task_that_came_just_now,
    a_task_without_text_or_people_or_dates, tasks_that_are_gone, odd_names, files_of_all_services, no_forms,
    dates_of_any_year, an_organisation,
]  # fmt: skip


def opened(reports: Reports, browser: Browser, folder: Path) -> Figures:
    """Opens the page of the stored tasks in the browser, and returns its figures."""
    found = figures(reports.connection)
    path = folder / "page.html"
    path.write_text(page(found), encoding="utf-8")
    browser.complaints.clear()
    browser.look_like()
    browser.open(path)
    return found


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_every_word_says_something(
    world: Callable[[Reports], None], browser: Browser, reports: Reports, tmp_path: Path
) -> None:
    world(reports)
    found = opened(reports, browser, tmp_path)

    for _ in choices(browser, found):
        shown = browser.evaluate(TEXTS) + [text for texts in browser.evaluate(TOOLTIPS).values() for text in texts]
        assert [text for text in shown if NO_WORD.search(text)] == []
    assert browser.complaints == []


@pytest.fixture(scope="module")
def small_organisation(postgresql_18: Server) -> Iterator[Reports]:
    """The reports on an organisation, whose time zone a test may change."""
    with clone(postgresql_18) as database, connect(database) as connection:
        found = Reports(connection)
        an_organisation(found)
        yield found


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati"])
def test_days_are_those_of_the_reports_in_every_time_zone(
    zone: str, browser: Browser, small_organisation: Reports, tmp_path: Path
) -> None:
    """Also for a reader in a distant time zone."""
    small_organisation.set_time_zone(zone)
    browser.call("Emulation.setTimezoneOverride", timezoneId="America/Los_Angeles")
    try:
        today = opened(small_organisation, browser, tmp_path).clock["today"]

        tooltips = browser.evaluate(TOOLTIPS)
        assert f"End of: {today:%-d %b %Y}; " in tooltips["flow"][-1]
        assert [text for texts in tooltips.values() for text in texts if NO_WORD.search(text)] == []
    finally:
        browser.call("Emulation.setTimezoneOverride", timezoneId="")


@pytest.mark.parametrize("chart", CHARTS)
def test_the_tooltip_of_every_chart_comes_under_the_pointer(chart: str, browser: Browser, path: Path) -> None:
    browser.complaints.clear()
    browser.look_like()
    browser.open(path)
    x, y = browser.evaluate(MARK % chart)
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    browser.wait_for(SHOWN)
    assert not NO_WORD.search(browser.evaluate(SHOWN))
    assert browser.evaluate(TOOLTIPS).keys() == set(CHARTS)
    assert browser.complaints == []


def choices(browser: Browser, found: Figures) -> Iterator[None]:
    """Sets the filters to everything in every period, and to the last form or project."""
    if not found.tasks:
        yield
        return
    for scope, period in [*((0, period) for period in found.periods), (len(found.scopes) - 1, found.periods[-1])]:
        browser.choose(scope, period)
        yield
