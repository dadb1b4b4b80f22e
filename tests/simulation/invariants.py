"""The invariants: of the rows that a reader sees, of every run, and of the end of a history."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.simulation.faults import HARD, SPOILS, Fault, Weather, permitted
from tests.simulation.orders import Outcome
from tests.simulation.stored import OWNED, SHARED, Stored
from tests.simulation.truth import Truth

CENSUSES = ("reconcile", "force")

Span = tuple[int | None, int | None]


class Broken(AssertionError):
    """An invariant does not hold."""


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


def check_whole(halves: list[int]) -> None:
    """A reader never sees a partly stored task."""
    require(not halves, f"a reader sees partly stored tasks: {halves}")


def check_ending(outcome: Outcome, plan: str, faults: tuple[Fault, ...], weather: Weather) -> None:
    """A run ends in one of the documented ways, and with an error only if there was a fault."""
    require(not outcome.amiss, f"{plan} ended with something that must never happen:\n{outcome.amiss}")
    allowed = permitted(faults, weather, plan) | {"BudgetSpent"}
    require(outcome.error in allowed, f"{plan} ended with {outcome.error} ({outcome.message}); permitted: {allowed}")
    statuses = {"": "ok", "BudgetSpent": "partial", "CensusDoubted": "partial"}
    expected = statuses.get(outcome.error, outcome.status)
    require(outcome.status == expected, f"{plan} ended with {outcome.error!r} and has the status {outcome.status}")


def check_errors(after: Stored, truth: Truth, weather: Weather, faults: tuple[Fault, ...]) -> None:
    """A complete run sets no task aside that could be fetched all the time."""
    if weather.name not in HARD and not any(fault.kind in SPOILS for fault in faults):
        seen = set(truth.world.task_ids())
        aside = (after.set_aside & seen) - truth.spoiled - truth.touched - truth.unseen
        require(not aside, f"tasks are set aside and nothing is wrong with them: {aside}")


def check_marks(before: Stored, after: Stored, truth: Truth, visible: Collection[int], plan: str) -> None:
    """Only a census marks tasks as deleted, all at once, and never a visible task."""
    dead = {task_id for task_id, task in before.tasks.items() if task.deleted_at}
    marked = {task_id: task.deleted_at for task_id, task in after.tasks.items() if task.deleted_at}
    new = marked.keys() - dead
    require(not new or plan in CENSUSES, f"{plan} marked {new} as deleted")
    require(len({marked[task_id] for task_id in new}) <= 1, f"not marked at one instant: {marked}")
    wrong = (new & set(visible)) - truth.touched
    require(not wrong, f"tasks that were there all the time are marked as deleted: {wrong}")


def check_progress(before: Stored, after: Stored, truth: Truth) -> None:
    """The changes that a run may make to the tables, however it ends."""
    for task_id, task in after.tasks.items():
        age = truth.age(task_id, task.digest)
        require(age is not None, f"task {task_id} is stored with a body that it never had")
        was = before.tasks.get(task_id)
        if was is None:
            continue
        older = (truth.age(task_id, was.digest) or 0) > (age or 0)
        require(not older or task_id in truth.lagged, f"task {task_id}: an older body came back")
        lagged = task_id in truth.lagged  # of two runs, one may store an old body, and the other the new one again
        if (was.digest, was.deleted_at) == (task.digest, task.deleted_at) and not lagged:
            for table in OWNED:
                key = table, task_id
                same = before.written.get(key) == after.written.get(key)
                require(same, f"task {task_id} did not change and its rows in {table} were written again")
    for shared, row in before.written.items():
        if shared[0] in SHARED and row[1] == after.written[shared][1]:
            require(row == after.written[shared], f"{shared} did not change and was written again")
    lost = before.tasks.keys() - after.tasks.keys()
    require(not lost, f"tasks vanished: {lost}")


def check_cursor(before: Stored, after: Stored, truth: Truth, outcome: Outcome, disturbed: bool) -> None:
    """The cursor moves when a run is complete, and never passes what is not stored."""
    if after.cursor is None:
        require(before.cursor is None, "the cursor is gone")
        return
    if outcome.error and not disturbed and before.cursor is not None:
        require(after.cursor == before.cursor, f"the cursor moved in a run that ended with {outcome.error}")
    excused = truth.unseen | after.set_aside | after.doubted
    for task_id in truth.world.task_ids():
        if has_passed(after.cursor, task_id, truth) and task_id not in excused:
            stored = after.tasks.get(task_id)
            require(is_right(task_id, after, truth), f"the cursor has passed task {task_id}, stored as {stored}")


def has_passed(cursor: datetime, task_id: int, truth: Truth) -> bool:
    """Whether the task was last changed before the cursor, even if the server's clock was wrong."""
    return truth.changed_at[task_id] < (cursor.timestamp() - truth.most_skew) * 1000


def check_period(after: Stored, truth: Truth, dates: Mapping[int, datetime | None], span: Span) -> None:
    """A complete backfill has every task of its period. `dates`: as tasks were listed before the run."""
    for task_id in within(dates, span) - truth.touched - truth.unseen - after.set_aside - after.doubted:
        require(is_right(task_id, after, truth), f"the backfill left out task {task_id} of {dates[task_id]}")


def within(dates: Mapping[int, datetime | None], span: Span) -> set[int]:
    """The tasks with a date in a period, both ends included."""
    start, end = (None if second is None else datetime.fromtimestamp(second, UTC) for second in span)
    return {
        task_id
        for task_id, date in dates.items()
        if date and (start is None or date >= start) and (end is None or date.replace(microsecond=0) <= end)
    }


def is_right(task_id: int, stored: Stored, truth: Truth) -> bool:
    """Whether a task is stored with its latest body."""
    task = stored.tasks.get(task_id)
    return task is not None and task.digest == truth.body(task_id).digest and task.deleted_at is None


def check_fenced(at_takeover: Stored, after: Stored) -> None:
    """A run that lost the lock commits nothing more."""
    require(at_takeover == after, "a run that had lost the lock wrote something")


def check_fetched(before: Stored, fetched: list[int], truth: Truth, dates: Mapping[int, datetime | None]) -> None:
    """A task that is stored as listed, and not doubted, is not fetched again. `dates`: as listed before the run."""
    for task_id in set(fetched) - truth.touched - before.set_aside - before.doubted - set(truth.unlisted):
        task = before.tasks.get(task_id)
        if task and task.deleted_at is None and dates.get(task_id) in (task.listed_date, task.modified_date):
            raise Broken(f"task {task_id} was stored as it is listed, and fetched again")


def check_idle(requests: Mapping[str, Any], feeds: int) -> None:
    """A sync of a quiet world asks once for each form and list, and for few things more (contract §5.4).

    A token that expires costs more: the requests that it is refused for, and a login.
    """
    total = requests["total"] - requests["statuses"].get("401", 0) - max(0, requests["logins"] - 1)
    require(not requests["fetched"], f"a sync of a quiet world fetched {requests['fetched']}")
    require(total <= feeds + 10, f"a sync of a quiet world: {requests['endpoints']}, {feeds} feeds")


def check_each_once(fetched: list[int], unreadable: set[int]) -> None:
    """Without faults and changes each task is fetched once, unless its body is not JSON."""
    twice = [task_id for task_id, times in Counter(fetched).items() if times > 1 and task_id not in unreadable]
    require(not twice, f"tasks were fetched twice in one run: {twice}")


def check_end(database: Secret, stored: Stored, truth: Truth, cap: int | None) -> None:
    """The tables equal the world; missing tasks are marked and kept; no readable task is set aside."""
    seen = set(truth.world.task_ids())
    unreadable = truth.spoiled & seen
    require(stored.set_aside == unreadable, f"set aside are {stored.set_aside}, unreadable {unreadable}")
    bodies, gone = {}, {}
    for task_id in seen - unreadable:
        bodies[task_id] = truth.body(task_id).body
    for task_id, task in stored.tasks.items():
        kept = next(one.body for one in truth.versions[task_id] if one.digest == task.digest)
        if task_id not in seen:
            gone[task_id] = kept
        elif task_id in unreadable:
            bodies[task_id] = kept
    inbox = truth.world.inbox()[:cap]
    try:
        assert_tables_equal_world(database, bodies, gone=gone, lived=True, inbox=inbox)
    except AssertionError as error:
        raise Broken(f"the tables are not the world: {error}") from None
