"""What must hold about the outbox of several accounts: what Pyrus has of its rows, compared with their statuses."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from pyrus_etl.sandbox import World
from pyrus_etl.settings import Secret
from tests.simulation.connection import Connection, Steady
from tests.simulation.invariants import require
from tests.simulation.outbox_history import FIELD
from tests.simulation.senders import ROWS, SIGHTINGS, Row, Sight, Team, senders, sight_of

ALL_SEEING = 0
"""An account that sees every task."""
Note = tuple[int, str]
"""Its author and its text."""
Made = tuple[int | None, str, str]
"""A new task: who made it, by which action, and its text or the value of its form."""


class Book:
    """Compares the world with the database after each step of a history."""

    def __init__(self, world: World, database: Secret, accounts: Sequence[int]) -> None:
        self.tasks = world.task_ids(ALL_SEEING)
        self._world, self._accounts = world, accounts
        self._connection = Steady(database, "history")
        self._old = {task_id: len(self._all_notes(task_id)) for task_id in self.tasks}
        self._rows: list[Row] = []
        self._sight: Sight = {}
        self._seen_notes: dict[int, list[Note]] = {}
        self._seen_tasks: Counter[Made] = Counter()

    def close(self) -> None:
        self._connection.close()

    def ask(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, list(parameters))

    def do(self, work: Callable[[Connection], object]) -> None:
        self._connection.do(work)

    def rows(self) -> list[Row]:
        return [Row(*row) for row in self.ask(ROWS)]

    def begin(self) -> None:
        """Remembers how everything is before pushes."""
        self._rows, self._sight = self.rows(), sight_of(self.ask(SIGHTINGS))
        self._seen_notes, self._seen_tasks = {one: self.notes(one) for one in self.tasks}, self.made()

    def check(self, teams: Collection[Team] = ()) -> None:
        """Each row was applied once, those of a task in their order. `teams`: that have pushed since `begin`."""
        rows = self.rows()
        for task_id in self.tasks:
            self._check_task(task_id, [row for row in rows if row.task_id == task_id and row.action == "comment"])
        new = [row for row in rows if row.action != "comment"]
        sent = Counter(row.made for row in new if row.status == "sent")
        perhaps = Counter(row.made for row in new if row.status in ("sending", "unknown"))
        made = self.made()
        require(sent <= made, f"lost tasks: {sent - made}")
        require(made <= sent + perhaps, f"made twice: {made - sent - perhaps}")
        if teams:
            self._check_senders(teams, rows)

    def _check_task(self, task_id: int, rows: list[Row]) -> None:
        sent = [row for row in rows if row.status == "sent"]
        made = self.notes(task_id)
        about = f"task {task_id}: {made} by {rows}"
        require(rows[: len(sent)] == sent, f"sent rows are not the first; {about}")
        require(len(sent) <= len(made) <= len(sent) + 1, f"lost, or made twice; {about}")
        require([text for _, text in made] == [row.text for row in rows[: len(made)]], f"not in their order; {about}")
        who = [author for author, _ in made]
        require(who == [row.account_id for row in rows[: len(made)]], f"by another account than it says; {about}")
        if len(made) > len(sent):
            require(rows[len(sent)].status in ("sending", "unknown"), f"made, and it does not say so; {about}")

    def _check_senders(self, teams: Collection[Team], rows: Sequence[Row]) -> None:
        """Who has sent a row since `begin` was who may send it, as its task was seen then, or is seen now."""
        before, sights = {row.outbox_id: row for row in self._rows}, (self._sight, sight_of(self.ask(SIGHTINGS)))
        for row in rows:
            was = before.get(row.outbox_id)
            if was is None or (was.status, was.account_id) == (row.status, row.account_id) or was.status == "sent":
                continue
            if row.status in ("sent", "sending", "unknown"):
                may = senders(was, teams, sights)
                require(row.account_id in may, f"{row} was sent by {row.account_id}, and only {may} may")

    def notes(self, task_id: int) -> list[Note]:
        """What was written to a task since the beginning."""
        return self._all_notes(task_id)[self._old[task_id] :]

    def made(self) -> "Counter[Made]":
        """The new tasks at Pyrus."""
        tasks = [self._task(each) for each in self._world.task_ids(ALL_SEEING) if each not in self.tasks]
        return Counter((task["Author"]["Id"], *_shown(task)) for task in tasks)

    def is_applied(self, row: Row) -> bool:
        """What a person finds who looks in Pyrus for a row that is unknown or refused."""
        rows = self.rows()
        if row.action != "comment":
            return self.made()[row.made] > sum(each.made == row.made and each.status == "sent" for each in rows)
        sent = sum(each.task_id == row.task_id and each.action == "comment" and each.status == "sent" for each in rows)
        return len(self.notes(row.task_id or 0)) > sent

    def _all_notes(self, task_id: int) -> list[Note]:
        return [(note["Author"]["Id"], note.get("Text", "")) for note in self._task(task_id)["Notes"]]

    def _task(self, task_id: int) -> dict[str, Any]:
        task: dict[str, Any] = msgspec.json.decode(self._world.body(task_id))["TaskWithNotes"]
        return task


def _shown(task: dict[str, Any]) -> tuple[str, str]:
    values = [each["Text"] for each in task.get("Form", ()) if each["Field"]["Id"] == FIELD]
    return ("form_task", values[0]) if values else ("task", task["Text"])
