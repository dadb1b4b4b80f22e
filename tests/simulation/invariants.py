"""What always holds: of a database that a reader looks into, of every run, and of the end of a history."""

import threading
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.simulation.faults import HARD, Fault, Weather, permitted
from tests.simulation.launcher import Outcome
from tests.simulation.world_events import Truth

OWNED = (
    "tasks",
    "task_projects",
    "notes",
    "note_projects",
    "approvals",
    "note_approvals",
    "form_values",
    "note_form_values",
    "attachments",
)
CENSUSES = ("reconcile", "force")
SHARED = {
    "persons": "person_id",
    "organizations": "organization_id",
    "projects": "project_id",
    "form_fields": "ARRAY[form_id, field_id]::text",
}

HALVES = """
    SELECT task_id FROM pyrus.tasks AS task FULL JOIN pyrus.raw_tasks AS raw USING (task_id)
    WHERE task.task_id IS NULL OR raw.task_id IS NULL
    OR (SELECT count(*) FROM pyrus.notes WHERE notes.task_id = raw.task_id)
        <> jsonb_array_length(coalesce(payload #> '{TaskWithNotes,Notes}', '[]'))
    OR (SELECT count(*) FROM pyrus.form_values WHERE form_values.task_id = raw.task_id)
        <> jsonb_array_length(coalesce(payload #> '{TaskWithNotes,Form}', '[]'))
    OR task.modified_date
        <> to_timestamp(substring(payload #>> '{TaskWithNotes,ModifiedDate}' FROM '-?[0-9]+')::numeric / 1000)
"""
"""Tasks that a reader would see without their notes, their form or their raw body, or with those of another time."""


class Broken(AssertionError):
    """An invariant does not hold."""


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


class StoredTask(NamedTuple):
    """A task as it is stored."""

    digest: str
    listed_date: datetime | None
    modified_date: datetime | None
    deleted_at: datetime | None


class Stored(NamedTuple):
    """The database at an instant. `written`: by which transactions the rows of each task, or a shared row, were."""

    tasks: dict[int, StoredTask]
    written: dict[tuple[str, int | str], Any]
    cursor: datetime | None
    set_aside: set[int]


class Reader:
    """Looks into the database from a connection of its own."""

    def __init__(self, database: Secret) -> None:
        self._connection = psycopg.connect(database.reveal(), autocommit=True, application_name="reader")
        self._one_at_a_time = threading.Lock()
        self.looks = 0

    def close(self) -> None:
        self._connection.close()

    def look(self) -> None:
        """No task is there by halves."""
        self.looks += 1
        with self._one_at_a_time:
            halves = self._connection.execute(HALVES).fetchall()
        require(not halves, f"a reader sees tasks by halves: {halves}")

    def stored(self) -> Stored:
        with self._one_at_a_time, self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            tasks = self._connection.execute(
                "SELECT task_id, payload_sha256, listed_date, modified_date, deleted_at "
                "FROM pyrus.tasks JOIN pyrus.raw_tasks USING (task_id)"
            ).fetchall()
            written: dict[tuple[str, int | str], Any] = {}
            for table in OWNED:
                rows = self._connection.execute(
                    f"SELECT task_id, array_agg(xmin::text ORDER BY xmin::text) FROM pyrus.{table} GROUP BY 1".encode()
                )
                written |= {(table, task_id): found for task_id, found in rows}
            for table, key in SHARED.items():
                rows = self._connection.execute(
                    f"SELECT {key}, xmin::text, to_jsonb(shared) FROM pyrus.{table} AS shared".encode()
                )
                written |= {(table, id_): (xmin, row) for id_, xmin, row in rows}
            cursor = self._connection.execute("SELECT cursor FROM pyrus.sync_cursors").fetchone()
            errors = self._connection.execute("SELECT task_id FROM pyrus.sync_errors WHERE resolved_at IS NULL")
            return Stored(
                {task_id: StoredTask(*row) for task_id, *row in tasks},
                written,
                cursor[0] if cursor else None,
                {task_id for (task_id,) in errors},
            )


def check_ending(outcome: Outcome, plan: str, faults: tuple[Fault, ...], weather: Weather) -> None:
    """A run ends in one of the documented ways, and badly only if something went wrong."""
    require(not outcome.amiss, f"{plan} ended with what must never be seen:\n{outcome.amiss}")
    allowed = permitted(faults, weather, plan) | {"BudgetSpent"}
    require(outcome.error in allowed, f"{plan} ended with {outcome.error} ({outcome.message}); permitted: {allowed}")
    statuses = {"": "ok", "BudgetSpent": "partial", "CensusDoubted": "partial"}
    expected = statuses.get(outcome.error, outcome.status)
    require(outcome.status == expected, f"{plan} ended with {outcome.error!r} and has the status {outcome.status}")


def check_errors(after: Stored, truth: Truth, weather: Weather, faults: tuple[Fault, ...]) -> None:
    """A complete run leaves no task aside that could be had all the time."""
    if weather.name not in HARD and not any(fault.kind == "down" for fault in faults):
        seen = set(truth.world.task_ids())
        aside = (after.set_aside & seen) - truth.spoiled - truth.touched - truth.hidden_since.keys()
        require(not aside, f"tasks are set aside and nothing is wrong with them: {aside}")


def check_marks(before: Stored, after: Stored, truth: Truth, visible: Collection[int], plan: str) -> None:
    """Marks are made by a census, all at once, and on nothing that can be seen."""
    dead = {task_id for task_id, task in before.tasks.items() if task.deleted_at}
    marked = {task_id: task.deleted_at for task_id, task in after.tasks.items() if task.deleted_at}
    new = marked.keys() - dead
    require(not new or plan in CENSUSES, f"{plan} marked {new} as deleted")
    require(len({marked[task_id] for task_id in new}) <= 1, f"not marked at one instant: {marked}")
    wrong = (new & set(visible)) - truth.touched
    require(not wrong, f"tasks that were there all the time are marked as deleted: {wrong}")


def check_progress(before: Stored, after: Stored, truth: Truth) -> None:
    """What a run may have done to the tables, however it ended."""
    for task_id, task in after.tasks.items():
        age = truth.age(task_id, task.digest)
        require(age is not None, f"task {task_id} is stored with a body that it never had")
        was = before.tasks.get(task_id)
        if was is None:
            continue
        require((truth.age(task_id, was.digest) or 0) <= (age or 0), f"task {task_id}: an older body came back")
        if (was.digest, was.deleted_at) == (task.digest, task.deleted_at):
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
    passed = (after.cursor.timestamp() - truth.most_skew) * 1000
    for task_id in truth.world.task_ids():
        if truth.changed_at[task_id] < passed and task_id not in truth.hidden_since | dict.fromkeys(after.set_aside):
            stored = after.tasks.get(task_id)
            right = stored is not None and stored.digest == truth.body(task_id).digest and stored.deleted_at is None
            require(right, f"the cursor has passed task {task_id}, which is stored as {stored}")


def check_fenced(at_takeover: Stored, after: Stored) -> None:
    """A run that lost the lock commits nothing more."""
    require(at_takeover == after, "a run that had lost the lock wrote something")


def check_fetched(before: Stored, fetched: list[int], truth: Truth, dates: Mapping[int, datetime | None]) -> None:
    """What is stored as it is listed is not fetched again. `dates`: as tasks were listed before the run."""
    for task_id in set(fetched) - truth.touched - before.set_aside:
        task = before.tasks.get(task_id)
        if task and task.deleted_at is None and dates.get(task_id) in (task.listed_date, task.modified_date):
            raise Broken(f"task {task_id} was stored as it is listed, and fetched again")


def check_each_once(fetched: list[int], unreadable: set[int]) -> None:
    """Where nothing goes wrong and nothing changes, each task is fetched once, unless what came is no JSON."""
    twice = [task_id for task_id, times in Counter(fetched).items() if times > 1 and task_id not in unreadable]
    require(not twice, f"tasks were fetched twice in one run: {twice}")


def check_end(database: Secret, stored: Stored, truth: Truth, cap: int | None) -> None:
    """The tables are the world; what is gone is marked and kept; nothing that can be read is set aside."""
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
