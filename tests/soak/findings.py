"""What a soak has shown, as lines with a verdict each."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import psycopg

from pyrus_etl.sandbox import World
from pyrus_etl.settings import Secret
from tests.soak.receiver import Receiver, Taken
from tests.soak.traffic import Traffic
from tests.soak.watcher import Look, Watcher
from tests.soak.weather import Outage, Weather
from tests.tables_v4 import different_rows

OPEN = "SELECT count(*) FROM pyrus.sync_errors WHERE resolved_at IS NULL"
HINTS = "SELECT count(*) FROM pyrus.sync_hints"
DELETED = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL"
RUNS = """
    SELECT kind, status, count(*) FROM pyrus.sync_runs GROUP BY kind, status ORDER BY kind, status
"""
MOST_GROWTH = 1.15
"""Memory at the end, as a share of that after a sixth of the time."""
NEAR = 120.0
"""Seconds after an outage in which its alert may come."""
EVENTS = ("failing", "recovered", "stale", "census_doubted")


class Finding(NamedTuple):
    """A line. `is_good`: None is a mere figure."""

    text: str
    is_good: bool | None = None


def of_traffic(traffic: Traffic) -> Iterator[Finding]:
    total, slowest = traffic.answers.total(), max(traffic.seconds, default=0.0)
    kinds = ", ".join(f"{kind} {status}: {count:,}" for (kind, status), count in sorted(traffic.answers.items()))
    yield Finding(f"{total:,} webhooks about {traffic.changes:,} changes ({kinds})")
    wanted = all(status == (401 if kind == "forged" else 200) for kind, status in traffic.answers)
    yield Finding("each answered as it should be", wanted)
    yield Finding(f"answered in {_middle(traffic.seconds) * 1000:.0f} ms at the median, {slowest:.2f} s at most")


def of_watcher(watcher: Watcher, restarts: int) -> Iterator[Finding]:
    waited = sorted(watcher.until_row)
    tenth = waited[len(waited) * 9 // 10] if waited else 0.0
    yield Finding(
        f"from a change to its row {_middle(waited):.2f} s at the median of {len(waited):,}, "
        f"{tenth:.1f} s at nine in ten, {max(waited, default=0.0):.0f} s at most",
        _middle(waited) <= 2,
    )
    yield Finding(f"{restarts} restarts of PostgreSQL survived by one process")
    paths = ", ".join(f"{path} {status}: {count:,}" for (path, status), count in sorted(watcher.answers.items()))
    slowest = ", ".join(f"{path} {ms:,.0f} ms" for path, ms in sorted(watcher.slowest.items()))
    healthy = {status for path, status in watcher.answers if path == "/healthz"} == {200}
    yield Finding(f"answers: {paths}; slowest: {slowest}", healthy)
    yield of_memory(watcher.looks)


def of_memory(looks: Sequence[Look]) -> Finding:
    """Memory over the time: means of looks around a sixth, a half and the end."""
    at = [_around(looks, share) for share in (1 / 6, 1 / 2, 1)]
    minutes = [(looks[-1].at - looks[0].at) / 60 * share for share in (1 / 6, 1 / 2, 1)]
    shown = ", ".join(f"{mb:.0f} MB at {minute:.0f} min" for mb, minute in zip(at, minutes, strict=True))
    return Finding(
        f"memory: {shown}; at most {max(look.megabytes for look in looks):.0f} MB", at[2] <= at[0] * MOST_GROWTH
    )


def of_alerts(receiver: Receiver, weather: Weather) -> Iterator[Finding]:
    counts = ", ".join(f"{sum(one.event == event for one in receiver.taken)} {event}" for event in EVENTS)
    yield Finding(f"alerts: {counts}; {receiver.refused} of them taken only at the second try")
    twice = len(receiver.taken) - len({one.alert_id for one in receiver.taken})
    yield Finding(f"{twice} alerts taken twice", not twice)
    turns = [one.event for one in receiver.taken if one.event in ("failing", "recovered")]
    in_turn = all(one != other for one, other in pairwise(turns)) and turns[-1:] == ["recovered"]
    yield Finding("failing and recovered come in turn, and recovered comes last", in_turn)
    failing = [one for one in receiver.taken if one.event == "failing"]
    for outage in weather.outages:
        if not any(_covers(one, outage, receiver.taken) for one in failing):
            yield Finding(f"no alert about the outage of {outage.what}", False)
    for one in failing:
        if not any(_is_about(one, outage) for outage in weather.outages):
            yield Finding(f"an alert without an outage: {one.error}", False)


def missed(database: Secret, world: World) -> Finding:
    """The tables beside the world, whole, before anything looks for what was lost."""
    bodies = dict(world.v4.bodies())
    wrong = different_rows(database, bodies)
    rows = f"{len(bodies):,} tasks with all their rows are as Pyrus serves them"
    return Finding(f"{rows}, except {str(wrong)[:2000]}" if wrong else rows, not wrong)


def of_tables(database: Secret, world: World) -> Iterator[Finding]:
    """What a census leaves behind: only tasks that are gone are marked as deleted, and nothing is open."""
    yield missed(database, world)
    bodies = set(world.task_ids())
    with psycopg.connect(database.reveal()) as connection:
        ((left,),) = connection.execute(HINTS).fetchall()
        ((aside,),) = connection.execute(OPEN).fetchall()
        deleted = {task_id for (task_id,) in connection.execute(DELETED)}
        runs = ", ".join(f"{kind} {status}: {count:,}" for kind, status, count in connection.execute(RUNS))
    yield Finding(
        f"{len(deleted)} tasks are marked as deleted, {len(deleted & bodies)} of them wrongly", not deleted & bodies
    )
    yield Finding(f"{left} hints are left, {aside} tasks are set aside", not left and not aside)
    yield Finding(f"runs: {runs}")


def _covers(failing: Taken, outage: Outage, taken: Sequence[Taken]) -> bool:
    """Whether this alert was the last word about runs at a moment of the outage: runs may have failed before it."""
    recovered = [one.at for one in taken if one.event == "recovered" and one.at > failing.at]
    return failing.at <= outage.ended + NEAR and min(recovered, default=outage.ended) >= outage.began


def _is_about(taken: Taken, outage: Outage) -> bool:
    return outage.began <= taken.at <= outage.ended + NEAR


def _around(looks: Sequence[Look], share: float) -> float:
    """The mean of the tenth of the looks that end at this share of the time."""
    end = max(1, round(len(looks) * share))
    near = looks[max(0, end - max(1, len(looks) // 10)) : end]
    return sum(look.megabytes for look in near) / len(near)


def _middle(values: Sequence[float]) -> float:
    return median(values) if values else 0.0
