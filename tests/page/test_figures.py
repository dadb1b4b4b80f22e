"""Every figure of the page against SQL on the tables, counted another way."""

import itertools
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.access.grants import grant_reports
from pyrus_etl.reports.page.figures import MOST_ROWS, Figures, figures
from pyrus_etl.reports.page.scopes import scopes
from pyrus_etl.settings import Secret
from tests.reports.conftest import Reports
from tests.reports.views.test_detail import REGISTERED
from tests.reports.world import ANN, BOB, CONTRACTS, INVOICES, approval, note, on, task
from tests.typing import Query

LOCAL = "(({}) AT TIME ZONE 'Asia/Kolkata')::date"
IN_SCOPE = """
    CREATE TEMP TABLE member AS
    SELECT scope, task_id, create_date, close_date, due_date, responsible_id
    FROM pyrus.tasks LEFT JOIN pyrus.task_projects AS filed USING (task_id)
    JOIN unnest(%s::int[], %s::bigint[], %s::bigint[]) AS place (scope, form, project)
        ON coalesce(form_id, 0) = form AND coalesce(filed.project_id, 0) = project
    WHERE deleted_at IS NULL AND coalesce(project_no, 1) = 1
"""


@pytest.fixture(scope="module")
def found(organisation: Reports, computed: Figures) -> Iterator[Figures]:
    """All figures; a temporary table has the tasks of each scope."""
    chosen, _ = scopes(_places(organisation), dict(organisation.ask("SELECT project_id, path FROM project_paths")))
    members = [(number, *place) for number, scope in enumerate(chosen) for place in scope.places]
    organisation.connection.execute(IN_SCOPE, [list(column) for column in zip(*members, strict=True)])
    yield computed
    organisation.connection.execute("DROP TABLE member")


def _places(organisation: Reports) -> list[dict[str, Any]]:
    query = """
        WITH RECURSIVE up AS (
            SELECT project_id, project_id AS above_id FROM pyrus.projects
          UNION ALL SELECT up.project_id, parent_id FROM up JOIN pyrus.projects AS here ON here.project_id = above_id
            WHERE parent_id IN (SELECT project_id FROM pyrus.projects)
        )
        SELECT coalesce(form_id, 0), form, coalesce(place.project_id, 0), count(*), count(*), above_id
        FROM current_tasks AS place LEFT JOIN up USING (project_id)
        GROUP BY 1, 2, 3, 6
    """
    names = ("form_id", "form", "project_id", "tasks", "detailed", "above_id")
    return [dict(zip(names, row, strict=True)) for row in organisation.ask(query)]


def by_scope(organisation: Reports, query: str) -> dict[int, Any]:
    """scope → the rest of the row."""
    return {scope: tuple(rest) for scope, *rest in organisation.ask(query)}


def test_there_are_forms_and_projects_to_choose(found: Figures) -> None:
    kinds = [scope.kind for scope in found.scopes]

    assert kinds[0] == "all"
    assert kinds.count("form") >= 5
    assert kinds.count("project") >= 20
    assert found.tasks == 400
    assert found.scopes_left_out == 0


def test_open_and_overdue(found: Figures, organisation: Reports) -> None:
    query = """
        SELECT scope, count(*) FILTER (WHERE close_date IS NULL),
               count(*) FILTER (WHERE close_date IS NULL AND due_date < (SELECT today FROM clock))
        FROM member GROUP BY scope
    """
    counted = by_scope(organisation, query)

    assert {place: (scope.open, scope.overdue) for place, scope in enumerate(found.scopes)} == counted
    assert [sum(row["open"] for row in scope.age) for scope in found.scopes] == [scope.open for scope in found.scopes]


def test_waiting_tasks_and_their_approvers(found: Figures, organisation: Reports) -> None:
    waiting = by_scope(
        organisation,
        "SELECT scope, count(DISTINCT task_id) FROM member JOIN approvals_waiting USING (task_id) GROUP BY 1",
    )
    people = organisation.ask(
        "SELECT person, count(*), max(waited_hours)::float8 FROM approvals_waiting GROUP BY person_id, person"
        " ORDER BY 2 DESC, 1"
    )

    assert [(scope.waiting,) for scope in found.scopes] == [waiting.get(n, (0,)) for n in range(len(found.scopes))]
    assert [tuple(row.values()) for row in found.scopes[0].waited_for] == people[:MOST_ROWS]
    assert found.scopes[0].totals["people"] == len(people)
    assert found.scopes[0].totals["approvals"] == sum(approvals for _, approvals, _ in people)


@pytest.mark.parametrize("days", [30, 90, 365, 730])
def test_closed_in_a_period_and_its_percentiles(found: Figures, organisation: Reports, days: int) -> None:
    query = f"""
        SELECT scope, count(*), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY hours)::numeric, 1)::float8,
               round(percentile_cont(0.85) WITHIN GROUP (ORDER BY hours)::numeric, 1)::float8,
               round(percentile_cont(0.95) WITHIN GROUP (ORDER BY hours)::numeric, 1)::float8
        FROM member CROSS JOIN clock
        CROSS JOIN LATERAL (SELECT extract(epoch FROM close_date - create_date) / 3600 AS hours) AS took
        WHERE {LOCAL.format("close_date")} > today - {days} GROUP BY scope
    """
    counted = by_scope(organisation, query)

    for number, scope in enumerate(found.scopes):
        row = scope.cycle.get(days)
        got = row and (row["closed"], *(pytest.approx(row[share], abs=0.06) for share in ("p50", "p85", "p95")))
        assert counted.get(number) == got, scope.name


def test_months_and_weeks_of_cycle_times_are_periods_of_their_own(found: Figures, organisation: Reports) -> None:
    for grain, axis in (("month", found.axes.months), ("week", found.axes.last_weeks)):
        query = f"""
            SELECT scope, date_trunc('{grain}', {LOCAL.format("close_date")}::timestamp)::date, count(*),
                   percentile_cont(0.85) WITHIN GROUP (ORDER BY extract(epoch FROM close_date - create_date) / 3600)
            FROM member WHERE close_date IS NOT NULL GROUP BY 1, 2
        """
        counted = {(scope, since): (closed, p85) for scope, since, closed, p85 in organisation.ask(query)}
        for number, scope in enumerate(found.scopes):
            columns = scope.cycle_months if grain == "month" else scope.cycle_weeks
            for since, closed, p85 in zip(axis, columns["closed"], columns["p85"], strict=True):
                wanted = counted.get((number, since), (None, None))
                assert closed == wanted[0]
                assert p85 == (wanted[1] and pytest.approx(wanted[1], abs=0.02))


def test_open_and_done_tasks_at_the_end_of_each_day(found: Figures, organisation: Reports) -> None:
    query = "SELECT day, sum(open), sum(done_total) FROM flow_daily GROUP BY day"
    counted = {day: (shown, done) for day, shown, done in organisation.ask(query)}
    everything = found.scopes[0]

    for axis, columns in ((found.axes.days, everything.flow_days), (found.axes.week_ends, everything.flow_weeks)):
        rows = list(zip(columns["open"], columns["done"], strict=True))
        assert rows == [counted.get(day, (0, 0)) for day in axis]
    assert [scope.flow_days["open"][-1] for scope in found.scopes] == [scope.open for scope in found.scopes]


def test_tasks_created_and_finished_each_week(found: Figures, organisation: Reports) -> None:
    query = f"""
        SELECT scope, date_trunc('week', {LOCAL.format("create_date")}::timestamp)::date, count(*)
        FROM member GROUP BY 1, 2
    """
    counted = {(scope, week): tasks for scope, week, tasks in organisation.ask(query)}
    finished = dict(organisation.ask("SELECT week, sum(finished) FROM throughput_weekly GROUP BY week"))

    for number, scope in enumerate(found.scopes):
        assert scope.weeks["created"] == [counted.get((number, week), 0) for week in found.axes.weeks]
    assert found.scopes[0].weeks["finished"] == [finished.get(week, 0) for week in found.axes.weeks]


def test_the_forecast_is_that_of_the_view(found: Figures, organisation: Reports) -> None:
    columns = ["backlog", "weeks", "created_mean", "finished_p15", "finished_p50", "finished_p85"]
    columns += ["weeks_at_p15", "weeks_at_p50", "weeks_at_p85"]
    query = f"""
        SELECT coalesce(form, 'Without a form'), scope, {", ".join(columns)}
        FROM throughput_forecast WHERE scope <> 'project'
    """
    counted = {(scope, "Everything" if scope == "all" else form): row for form, scope, *row in organisation.ask(query)}
    ours = {(scope.kind, scope.name): scope.forecast for scope in found.scopes if scope.kind != "project"}

    assert ours.keys() == counted.keys()
    for key, forecast in ours.items():
        assert forecast is not None
        assert list(forecast.values()) == [None if one is None else float(one) for one in counted[key]], key


@pytest.mark.parametrize("days", [30, 365])
def test_notes_by_hour_of_the_week(found: Figures, organisation: Reports, days: int) -> None:
    query = f"""
        SELECT scope, extract(isodow FROM local)::int, extract(hour FROM local)::int, count(*)
        FROM member JOIN pyrus.notes USING (task_id) CROSS JOIN clock
        CROSS JOIN LATERAL (SELECT notes.create_date AT TIME ZONE 'Asia/Kolkata' AS local) AS here
        WHERE local >= date_trunc('month', (today - {days})::timestamp) GROUP BY 1, 2, 3
    """
    counted = {tuple(key): notes for *key, notes in organisation.ask(query)}

    for number, scope in enumerate(found.scopes):
        hours = itertools.product([number], range(1, 8), range(24))
        assert scope.heat[days] == [counted.get(hour, 0) for hour in hours], scope.name


def test_lists_are_the_longest_of_their_scope(found: Figures, organisation: Reports) -> None:
    overdue = "SELECT scope, task_id, days_overdue FROM member JOIN overdue_tasks USING (task_id) ORDER BY 1, 3 DESC, 2"
    aging = (
        "SELECT scope, task_id FROM member JOIN aging_work USING (task_id)"
        " WHERE is_beyond_p85 ORDER BY 1, member.create_date, 2"
    )
    late = organisation.ask(overdue)
    old = organisation.ask(aging)

    for number, scope in enumerate(found.scopes):
        wanted = [(task_id, days) for place, task_id, days in late if place == number][:MOST_ROWS]
        assert [(row["task_id"], row["days"]) for row in scope.overdue_tasks] == wanted
        assert [row["task_id"] for row in scope.aging] == [one for place, one in old if place == number][:MOST_ROWS]
        assert all(row["link"].endswith(str(row["task_id"])) for row in scope.aging)
        assert scope.totals["overdue_tasks"] == sum(place == number for place, *_ in late)
        assert scope.totals["aging"] == sum(place == number for place, _ in old)


def test_a_small_world_with_figures_worked_out_manually(reports: Reports) -> None:
    """Two invoices and a contract: one invoice closed after a day, the other overdue since yesterday."""
    reports.load(
        task(1, "2026-03-09 09:00", note("2026-03-10 09:00", ActivityAction="Complete"), Projects=[INVOICES]),
        task(2, "2026-03-02 12:00", Projects=[INVOICES], DueDate=on("2026-03-15"), Responsible=BOB),
        task(3, "2026-03-16 11:00", Projects=[CONTRACTS], Approvals=[[{"Person": ANN}]]),
    )
    everything, *narrower = figures(reports.connection).scopes

    assert (everything.open, everything.overdue, everything.waiting) == (2, 1, 1)
    assert everything.cycle[30] | {"since": None} == {
        "grain": "period", "since": None, "closed": 1, "p50": 24.0, "p85": 24.0, "p95": 24.0
    }  # fmt: skip
    assert everything.flow_days["open"][-15:] == [1] * 7 + [2, 1, 1, 1, 1, 1, 1, 2]
    assert [(row["task_id"], row["days"], row["who"]) for row in everything.overdue_tasks] == [(2, 1, "Bob Baker")]
    assert [(row["person"], row["approvals"]) for row in everything.waited_for] == [("Ann Archer", 1)]
    assert [scope.name for scope in narrower] == ["Without a form", "Invoices", "Legal", "Legal / Contracts"]


def test_while_details_arrive_the_page_knows_how_many_and_which_tasks_are_open(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00"))
    reports.connection.execute(REGISTERED.replace("(1, 'Open'", "(3, 'Open'"))
    everything, *forms = figures(reports.connection).scopes

    assert (everything.tasks, everything.detailed) == (3, 1)
    assert [(scope.name, scope.tasks, scope.detailed) for scope in forms] == [
        ("Form 100", 2, 0),
        ("Without a form", 1, 1),
    ]
    assert everything.open == everything.flow_days["open"][-1] == 2


def test_approvers_with_the_same_name_or_without_one_are_not_merged(reports: Reports) -> None:
    another, nobody = {"Id": 22, "FirstName": "Bob", "LastName": "Baker"}, {"FirstName": "Kim"}
    reports.load(
        task(1, "2026-03-02 09:00", Approvals=[[approval(BOB), approval(another), approval(nobody), approval(ANN)]]),
        task(2, "2026-03-02 09:00", Approvals=[[approval(BOB)]]),
    )
    (everything, *_) = figures(reports.connection).scopes

    assert [(row["person"], row["approvals"]) for row in everything.waited_for] == [
        ("Bob Baker (2)", 2),
        ("Ann Archer", 1),
        ("Bob Baker (22)", 1),
        ("Unknown", 1),
    ]


@pytest.mark.parametrize("zone", ["Europe/Moscow", "America/New_York"])
def test_dates_of_any_year_do_no_harm(reports: Reports, zone: str) -> None:
    reports.set_time_zone(zone)
    reports.load(
        task(1, "0001-01-01 00:00"),
        task(2, "2026-03-02 09:00", note("9999-12-31 23:59", BOB, ActivityAction="Complete")),
        task(3, "2026-03-02 09:00", note("0001-01-01 00:01", BOB, ActivityAction="Complete"), DueDate=on("9999-12-31")),
    )
    (everything, *_) = figures(reports.connection).scopes

    assert (everything.open, everything.flow_days["open"][-1], everything.flow_days["done"][-1]) == (1, 1, 2)
    assert everything.cycle == {}


def test_a_reader_of_the_reports_can_create_the_page(database: Secret, postgresql_18: Any, query: Query) -> None:
    query(database, "CREATE ROLE page_reader")
    try:
        with connect(database) as connection:
            grant_reports(connection, "page_reader")
            connection.execute("SET ROLE page_reader")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT FROM pyrus.tasks")
            assert figures(connection).tasks == 0
    finally:
        query(database, "DROP OWNED BY page_reader; DROP ROLE page_reader")


def test_a_database_without_reports_is_an_error_in_one_sentence(empty_database: Secret) -> None:
    with connect(empty_database) as connection, pytest.raises(DatabaseUnavailable, match="run pyrus-etl db upgrade"):
        figures(connection)


def test_a_report_that_is_missing_is_named(reports: Reports) -> None:
    reports.connection.execute(sql.SQL("DROP VIEW pyrus_report.sync_freshness"))

    with pytest.raises(DatabaseUnavailable, match=r"sync_freshness.*db upgrade"):
        figures(reports.connection)


def test_files_are_counted_once_each(organisation: Reports, computed: Figures) -> None:
    counted = organisation.ask("""
        WITH file AS (SELECT DISTINCT ON (attachment_id) * FROM attachment_overview ORDER BY attachment_id, attached_at)
        SELECT coalesce(form, 'No form'), count(*), sum(size_bytes) FROM file GROUP BY 1 ORDER BY 3 DESC
    """)
    largest = organisation.ask("SELECT DISTINCT attachment_id, size_bytes FROM attachment_overview ORDER BY 2 DESC")

    assert [(row["name"], row["files"], row["bytes"]) for row in computed.files["form"]] == counted[:MOST_ROWS]
    assert [row["bytes"] for row in computed.files["largest"]] == [size for _, size in largest[:MOST_ROWS]]
    assert [row["name"] for row in computed.files["stored"]] == ["not asked for"]
    months = [row["name"] for row in computed.files["month"]]
    assert months == sorted(months, reverse=True)
    assert len(months) == 12
    forms = {row[0] for row in organisation.ask("SELECT coalesce(form, '') FROM attachment_overview")}
    assert (computed.file_totals["form"], computed.file_totals["largest"]) == (len(forms), len(largest))


def test_files_of_other_services_and_duplicates_are_among_them(reports: Reports) -> None:
    files = [{"Id": 7, "Name": "offer.pdf", "Size": 500}, {"Id": 8, "Name": "copy.pdf", "Size": 500}]
    attached = note("2026-03-02 10:00", BOB, Attachments=files)
    reports.load(task(1, "2026-03-02 09:00", attached), task(2, "2026-03-03 09:00", attached))
    reports.connection.execute("""
        INSERT INTO pyrus.service_files (service, file_id, name, size_bytes, created_at, payload, places, seen_at)
        VALUES ('paymo', '55', 'offer.pdf', 500, '2026-04-01', '{}', '{task/123}', now())
    """)
    reports.connection.execute("""
        INSERT INTO pyrus.attachment_contents (task_id, attachment_id, status, stored_uri, sha256)
        VALUES (1, 7, 'stored', 's3://bucket/files/7/offer.pdf', 'aa'), (1, 8, 'missing', NULL, NULL),
            (2, 7, 'stored', 's3://bucket/files/7/offer.pdf', 'aa'), (2, 8, 'missing', NULL, NULL)
    """)
    reports.connection.execute("""
        INSERT INTO pyrus.service_file_contents (service, file_id, status, stored_uri, sha256)
        VALUES ('paymo', '55', 'stored', 's3://bucket/files/paymo/55/offer.pdf', 'aa')
    """)
    shown = figures(reports.connection).files

    def rows(about: str) -> list[tuple[Any, ...]]:
        return [(row["name"], row["files"], row["bytes"]) for row in shown[about]]

    assert rows("form") == [("No form", 2, 1000), ("Paymo", 1, 500)]
    assert rows("person") == [("Bob Baker", 2, 1000), ("Unknown", 1, 500)]
    assert rows("type") == [("pdf", 3, 1500)]
    assert rows("month") == [("2026-04", 1, 500), ("2026-03", 2, 1000)]
    assert rows("stored") == [
        ("missing", 1, 500),
        ("s3://bucket/files", 1, 500),
        ("s3://bucket/files/paymo", 1, 500),
    ]
    assert rows("duplicate") == [("offer.pdf", 2, 500)]
    assert [(row["name"], row["task"]) for row in shown["largest"]] == [
        ("offer.pdf", "task/123"),
        ("offer.pdf", "Task 1"),
        ("copy.pdf", "Task 1"),
    ]
