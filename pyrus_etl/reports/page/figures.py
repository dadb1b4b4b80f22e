"""Views → figures: everything that the page can show. SQL computes each figure; the page only selects."""

from datetime import date
from importlib.resources import files
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.page.axes import PERIODS, Axes, axes
from pyrus_etl.reports.page.scopes import Scope, scopes
from pyrus_etl.reports.settings import require_time_zone

MOST_ROWS = 10
LONGEST_TEXT = 160
ABOUT_FILES = ("form", "type", "person", "month", "stored", "largest", "duplicate")

Row = dict[str, Any]


class Scoped(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one choice of the filter. Lists run along an axis; periods are keyed by their days."""

    kind: str
    id: int
    name: str
    tasks: int
    detailed: int
    open: int
    overdue: int
    waiting: int
    flow_days: dict[str, list[int]]
    flow_weeks: dict[str, list[int]]
    weeks: dict[str, list[int]]
    forecast: Row | None
    cycle_weeks: dict[str, list[float | None]]
    cycle_months: dict[str, list[float | None]]
    cycle: dict[int, Row]
    age: list[Row]
    heat: dict[int, list[int]]
    waited_for: list[Row]
    approvals: list[Row]
    overdue_tasks: list[Row]
    aging: list[Row]
    totals: dict[str, int]
    """How long these lists are; only their first rows are shown."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The data of the page."""

    clock: Row
    periods: tuple[int, ...]
    axes: Axes
    scopes: list[Scoped]
    scopes_left_out: int
    tasks: int
    files: dict[str, list[Row]]
    """What is shown of files, by what it is about. The filter has no effect on it."""
    file_totals: dict[str, int]
    """How many rows there are about each; only the first are shown."""


def figures(connection: Connection) -> Figures:
    """Queries the views in one snapshot; reads only pyrus_report. Raises DatabaseUnavailable."""
    try:
        require_time_zone(connection)
        with connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.execute("SET LOCAL jit = off")  # compiling the queries takes longer than it saves
            return _figures(connection)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InvalidSchemaName) as error:
        raise DatabaseUnavailable(
            f"The database lacks a report: {error.diag.message_primary}; run pyrus-etl db upgrade."
        ) from error


def _figures(connection: Connection) -> Figures:
    (clock,) = _query(connection, "clock")
    paths = {row["project_id"]: row["path"] for row in _query(connection, "paths")}
    found, left_out = scopes(_query(connection, "places"), paths)
    along = axes(clock["today"])
    parameters = {
        "periods": list(PERIODS),
        "longest": PERIODS[-1],
        "most_rows": MOST_ROWS,
        "longest_text": LONGEST_TEXT,
    }
    parameters |= {name: getattr(along, name) for name in ("days", "week_ends", "weeks", "last_weeks")} | _members(
        found
    )
    topics = ("flow", "weeks", "forecast", "cycle", "age", "heat", "waiting", "overdue", "aging")
    rows = {topic: _by_scope(_query(connection, topic, parameters), len(found)) for topic in topics}
    scoped = [
        _scoped(scope, along, clock["today"], {topic: rows[topic][number] for topic in topics})
        for number, scope in enumerate(found)
    ]
    about_files, file_totals = _files(_query(connection, "files", parameters))
    return Figures(
        clock=clock,
        periods=PERIODS,
        axes=along,
        scopes=scoped,
        scopes_left_out=left_out,
        tasks=found[0].tasks,
        files=about_files,
        file_totals=file_totals,
    )


def _query(connection: Connection, topic: str, parameters: Row | None = None) -> list[Row]:
    """Returns the rows of queries/TOPIC.sql; queries by scope join the places of each."""
    query = files("pyrus_etl.reports.page").joinpath("queries", f"{topic}.sql").read_text("utf-8")
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), parameters).fetchall()


def _files(rows: list[Row]) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """Groups rows by what they are about, with the number of files and their bytes; and how many rows there are."""
    found: dict[str, list[Row]] = {about: [] for about in ABOUT_FILES}
    for row in rows:
        found[row["about"]].append({name: row[name] for name in ("name", "files", "bytes", "task")})
    return found, dict.fromkeys(ABOUT_FILES, 0) | {row["about"]: row["total"] for row in rows}


def _members(found: list[Scope]) -> Row:
    members = [(number, *place) for number, scope in enumerate(found) for place in sorted(scope.places)]
    columns = zip(*members, strict=True) if members else ((), (), ())
    return dict(zip(("scopes", "forms", "projects"), map(list, columns), strict=True))


def _by_scope(rows: list[Row], number: int) -> list[list[Row]]:
    """Groups rows by their scope, and removes it from them."""
    found: list[list[Row]] = [[] for _ in range(number)]
    for row in rows:
        found[row.pop("scope")].append(row)
    return found


def _scoped(scope: Scope, along: Axes, today: date, rows: dict[str, list[Row]]) -> Scoped:
    waiting = {about: [row for row in rows["waiting"] if row["about"] == about] for about in ("all", "person", "task")}
    cycle = {
        grain: {row["since"]: row for row in rows["cycle"] if row["grain"] == grain} for grain in ("week", "month")
    }
    flow = {row["day"]: row for row in rows["flow"]}
    return Scoped(
        kind=scope.kind,
        id=scope.id,
        name=scope.name,
        tasks=scope.tasks,
        detailed=scope.detailed,
        open=sum(row["open"] for row in rows["age"]),
        overdue=sum(row["overdue"] for row in rows["age"]),
        waiting=sum(row["tasks"] for row in waiting["all"]),
        flow_days=_along(along.days, flow, ("open", "done"), 0),
        flow_weeks=_along(along.week_ends, flow, ("open", "done"), 0),
        weeks=_along(along.weeks, {row["week"]: row for row in rows["weeks"]}, ("created", "finished"), 0),
        forecast=next(iter(rows["forecast"]), None),
        cycle_weeks=_along(along.last_weeks, cycle["week"], ("closed", "p50", "p85", "p95"), None),
        cycle_months=_along(along.months, cycle["month"], ("closed", "p50", "p85", "p95"), None),
        cycle={(today - row["since"]).days: row for row in rows["cycle"] if row["grain"] == "period"},
        age=sorted(rows["age"], key=lambda row: row["bucket_no"]),
        heat={days: _week([row for row in rows["heat"] if row["days"] == days]) for days in PERIODS},
        waited_for=[
            {"person": row["person"], "approvals": row["approvals"], "longest_hours": row["hours"]}
            for row in sorted(waiting["person"], key=lambda row: (-row["approvals"], row["person"]))[:MOST_ROWS]
        ],
        approvals=sorted(waiting["task"], key=lambda row: row["place_no"]),
        overdue_tasks=rows["overdue"],
        aging=rows["aging"],
        totals={
            "people": len(waiting["person"]),
            "approvals": sum(row["approvals"] for row in waiting["person"]),
            "overdue_tasks": sum(row["overdue"] for row in rows["age"]),
            "aging": next((row["total"] for row in rows["aging"]), 0),
        },
    )


def _along(
    axis: list[date], rows: dict[date, Row], columns: tuple[str, ...], absent: int | None
) -> dict[str, list[Any]]:
    """Returns columns of figures along an axis."""
    return {column: [rows[at][column] if at in rows else absent for at in axis] for column in columns}


def _week(rows: list[Row]) -> list[int]:
    """Returns the events of the 168 hours from Monday 0:00."""
    hours = [0] * 168
    for row in rows:
        hours[(row["weekday"] - 1) * 24 + row["hour"]] = row["events"]
    return hours
