"""The charts of the dashboards: what each shows, and its query, which reads only `pyrus_report`."""

from typing import Literal, NamedTuple

TITLE = "Pyrus at a glance"
SLUG = "pyrus"
COLUMNS = 12
"""The width of a dashboard; `Chart.width` is a part of it."""

Kind = Literal["number", "bars", "lines", "ranking", "table"]


class Chart(NamedTuple):
    """A chart. `along`: the column on its axis, a date except in a ranking; `values`: the columns that it shows."""

    name: str
    title: str
    about: str
    kind: Kind
    along: str | None
    values: tuple[str, ...]
    width: int
    query: str

    @property
    def has_dates(self) -> bool:
        return self.kind in ("bars", "lines")


CHARTS = (
    Chart(
        "age",
        "Age of the copy",
        "Hours since the last good sync began. Many hours mean that the sync has stopped.",
        "number",
        None,
        ("hours",),
        3,
        """\
SELECT round(min(since_complete_seconds) / 3600, 1)::float8 AS hours
FROM pyrus_report.sync_freshness WHERE kind IN ('backfill', 'sync', 'reconcile')""",
    ),
    Chart(
        "throughput",
        "Throughput per week",
        "Tasks created, and tasks finished: closed, less those that were reopened.",
        "bars",
        "week",
        ("created", "finished"),
        9,
        """\
SELECT week, sum(created)::bigint AS created, sum(finished)::bigint AS finished
FROM pyrus_report.throughput_weekly, pyrus_report.clock
WHERE week > today - 366 GROUP BY week ORDER BY week""",
    ),
    Chart(
        "open_tasks",
        "Open tasks",
        "How many tasks were open at the end of each day. If the line rises, work is piling up.",
        "lines",
        "day",
        ("open",),
        6,
        """\
SELECT day, sum(open)::bigint AS open
FROM pyrus_report.flow_daily, pyrus_report.clock
WHERE day > today - 366 GROUP BY day ORDER BY day""",
    ),
    Chart(
        "cycle_time",
        "Cycle time by month of closing, in days",
        "From creation to closing: half of the tasks took at most p50, 85% at most p85.",
        "lines",
        "month",
        ("p50", "p85"),
        6,
        """\
SELECT date_trunc('month', close_date AT TIME ZONE time_zone)::date AS month,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY cycle_hours)::numeric / 24, 1)::float8 AS p50,
       round(percentile_cont(0.85) WITHIN GROUP (ORDER BY cycle_hours)::numeric / 24, 1)::float8 AS p85
FROM pyrus_report.cycle_times, pyrus_report.clock
WHERE close_date > now - interval '2 years' GROUP BY month ORDER BY month""",
    ),
    Chart(
        "approvals",
        "Approvals waiting, by person",
        "Approvals of open tasks that can be given now.",
        "ranking",
        "person",
        ("waiting",),
        6,
        """\
SELECT coalesce(person, 'Unknown') AS person, count(*) AS waiting
FROM pyrus_report.approvals_waiting GROUP BY person ORDER BY waiting DESC, person LIMIT 15""",
    ),
    Chart(
        "longest",
        "Approvals waiting longest",
        "The people the oldest requests are waiting for.",
        "table",
        None,
        ("days", "person", "form", "text"),
        6,
        """\
SELECT round(waited_hours / 24)::integer AS days, person, form, left(text, 80) AS text
FROM pyrus_report.approvals_waiting ORDER BY waited_hours DESC NULLS LAST, task_id LIMIT 15""",
    ),
    Chart(
        "workload",
        "Workload",
        "Open tasks by person responsible, and what each did in the last 30 days.",
        "table",
        None,
        ("person", "open", "overdue", "approvals", "closed_30_days", "notes_30_days"),
        6,
        """\
SELECT person, open_tasks AS open, overdue_tasks AS overdue, approvals_waiting AS approvals,
       closed_30_days, notes_30_days
FROM pyrus_report.person_workload
WHERE open_tasks + approvals_waiting + closed_30_days > 0 ORDER BY open_tasks DESC, person LIMIT 25""",
    ),
    Chart(
        "runs",
        "Runs of the sync",
        "The last run of each kind, and how old the last good one is.",
        "table",
        None,
        ("account", "kind", "status", "hours_ago", "overdue", "error"),
        6,
        """\
SELECT coalesce(account, account_id::text) AS account, kind, latest_status AS status,
       round(since_complete_seconds / 3600, 1)::float8 AS hours_ago, is_overdue AS overdue, latest_error AS error
FROM pyrus_report.sync_freshness ORDER BY account, kind""",
    ),
    Chart(
        "changes",
        "Tasks changed by runs, per day",
        "How many tasks the runs of each day wrote, and how many requests they sent.",
        "bars",
        "day",
        ("tasks_changed", "requests"),
        12,
        """\
SELECT day, sum(tasks_changed)::bigint AS tasks_changed, sum(requests)::bigint AS requests
FROM pyrus_report.sync_history, pyrus_report.clock
WHERE day > today - 90 GROUP BY day ORDER BY day""",
    ),
)


def rows() -> list[list[Chart]]:
    """The charts in rows that fill the width of a dashboard."""
    found: list[list[Chart]] = [[]]
    for chart in CHARTS:
        if sum(each.width for each in found[-1]) + chart.width > COLUMNS:
            found.append([])
        found[-1].append(chart)
    return found
