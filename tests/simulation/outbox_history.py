"""Histories about the outbox: rows are put into it, and pushed while answers are lost and runs crash.

Pyrus loses answers before and after it has applied a row, or applies it seconds later. Two pushes of the account may
run at once. Whatever happens, what Pyrus has of the rows of a task are the first of them, in their order, each once.
"""

import asyncio
import gc
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast
from uuid import UUID

import msgspec
import psycopg
from aiohttp import web

from pyrus_etl.postgres.connection import Session
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.sandbox.limits.late import LateRequests
from pyrus_etl.sandbox.organisation.clock import moment
from pyrus_etl.sandbox.organisation.forms import CONTRACT
from pyrus_etl.sandbox.organisation.people import ACCOUNT
from pyrus_etl.sandbox.server.server import Server
from pyrus_etl.settings import Secret
from tests.conftest import environment_of
from tests.simulation.administrator import CLOCK, Administrator
from tests.simulation.connection import Steady
from tests.simulation.faults import Fault, Where
from tests.simulation.invariants import require
from tests.simulation.leftovers import nothing_left_behind
from tests.simulation.life import Life, cut, living, unheard
from tests.simulation.machine import Machine
from tests.simulation.orders import Order, Outcome, carry_out
from tests.simulation.passing import Time
from tests.simulation.totals import Totals

PORT = 8001
WORDS = ("Paid.", "ping", "Please  look,\nagain", "Ünïcode 😀")
PLACES = {"step": 900, "request": 60, "answered": 60, "commit": 60, "answer": 60}
"""Where a fault may happen, and the greatest number of a step, request … at which it does."""
FAULTS = {"kill": 8, "stop": 1, "cut": 2, "unheard": 3, "nothing": 4}
"""As in histories about files."""
ENDINGS = {
    "",
    "BudgetSpent",
    "PyrusUnreachable",
    "LoginRefused",
    "Stopped",
    "DatabaseUnavailable",
    "LockHeld",
    "SIGTERM",
}
KINDS = ("lost", "gateway", "late", "reset", "html", "short")
LATEST = 12.0
"""Seconds after which a late request is carried out at the latest: within the grace period."""
FIELD = 72
"""A text in the form of contracts."""
ROWS = """
    SELECT outbox_id, action, task_id, coalesce(body ->> 'text', body #>> '{form_values,0,value}'), status
    FROM pyrus.outbox ORDER BY created_at, outbox_id
"""
Row = tuple[Any, str, int | None, str, str]


class HistoryOfOutbox:
    """A history that is being played."""

    def __init__(
        self, seed: int, database: Secret, administrator: Administrator, folder: Path, *, is_real: bool = False
    ) -> None:
        self.dice = Random(seed)
        self.api = self.dice.choice(("v3", "v4"))
        self.world = World(seed, tasks=self.dice.randint(4, 8))
        self.sandbox = Sandbox(self.world, port=0 if is_real else PORT)
        if not is_real:
            self.sandbox.backend.located(self.sandbox.url, None)
        self.totals = Totals(histories=1, of_outbox=1)
        self.lines = [self.api]
        self._handle = Server(self.sandbox.backend).handle
        self._at: dict[int, list[Any]] = {}
        self._after: dict[int, list[Any]] = {}
        self._requests = 0
        self._clock, self._administrator, self._folder = Time(), administrator, folder
        self._clock.show = partial(administrator.show_time, self._clock)
        self._database = database
        self._connection = Steady(database, "history")
        self._before = {task_id: len(self._notes(task_id)) for task_id in self.world.task_ids()}
        self._first = set(self.world.task_ids())

    @property
    def clock(self) -> Time:
        return self._clock

    def played(self, seed: int, length: int) -> Totals:
        """Plays it; raises AssertionError with the story if it breaks."""
        try:
            self.play(length)
        except AssertionError as error:
            story = "\n".join(self.lines)
            raise AssertionError(f"the history of the outbox of seed {seed} broke:\n{story}\n{error}") from error
        self.totals.requests = self.sandbox.requests.total
        self.totals.faults.update(self.sandbox.requests.faults)
        return self.totals

    def play(self, length: int) -> None:
        self._run("sync")
        for _ in range(length):
            for _ in range(self.dice.choice((0, 2, 5, 12))):
                self._put()
            self._push()
        self._end()

    def _put(self) -> None:
        """Somebody inserts a row; texts repeat, also in the same task."""
        dice = self.dice
        value = {"field_id": FIELD, "value": dice.choice(WORDS), "type": "Text"}
        if (lot := dice.random()) < 0.3:
            form = {"form_id": CONTRACT.id, "form_values": [value]}
            self._insert(*(("task", None, {"text": dice.choice(WORDS)}) if lot < 0.2 else ("form_task", None, form)))
            return
        body: dict[str, Any] = {"text": dice.choice(WORDS)}
        contracts = self.ask(f"SELECT task_id FROM pyrus.tasks WHERE form_id = {CONTRACT.id} ORDER BY 1")
        mine = [task_id for (task_id,) in contracts if task_id in self._first]
        if mine and dice.random() < 0.2:
            self._insert("comment", dice.choice(mine), body | {"form_values": [value]})
            return
        if dice.random() < 0.2:
            body["activity_action"] = dice.choice(("Complete", "Reopen"))
        if dice.random() < 0.2:
            body["attachments"] = ["file.txt"]
        self._insert("comment", dice.choice(sorted(self._first)), body)

    def _insert(self, action: str, task_id: int | None, body: dict[str, Any]) -> None:
        text = msgspec.json.encode(body).decode().replace("'", "''")
        self.lines.append(f"{action} {task_id} {text}")
        self.ask(
            "INSERT INTO pyrus.outbox (outbox_id, action, task_id, body) "
            f"VALUES ('{UUID(int=self.dice.getrandbits(128))}', '{action}', {task_id or 'NULL'}, '{text}')"
        )

    def _push(self) -> None:
        """One push or two at once, in some weather, perhaps with a crash."""
        self._weather()
        self._run(*["push"] * self.dice.choice((1, 1, 2)), may_crash=True)

    def _weather(self) -> None:
        dice = self.dice
        rates: Any = {kind: dice.choice((0, 0.05, 0.2)) for kind in KINDS}
        self.sandbox.faults = Faults(
            seed=dice.randrange(99), endpoints=("writes",), late_seconds=dice.uniform(0.1, LATEST), **rates
        )

    def _run(self, *plans: str, may_crash: bool = False) -> list[Outcome]:
        self.world.advance(3)
        life = Life(self._clock, Random(self.dice.random()), self._handled, lambda: None)
        if may_crash:
            self._arm(life)
        environment = environment_of(self.sandbox, self._database, PYRUS_API=self.api)
        budget = self.dice.randint(3, 40) if may_crash and self.dice.random() < 0.15 else None
        orders = [Order(plan, environment, budget, target=str(self._folder)) for plan in plans]

        async def together() -> list[Outcome]:
            return await asyncio.gather(*map(carry_out, orders))

        outcomes = life.live(together)
        require(not life.errors, f"errors were logged: {life.errors}")
        self.lines.append(f"{plans} {[(one.error, one.message) for one in outcomes] if outcomes else 'crashed'}")
        late, self.sandbox.backend.injector.late = self.sandbox.backend.injector.late, LateRequests()
        asyncio.run(late.release())  # a server goes on without its clients
        del late
        with unheard():  # those requests have held the connections of the dead
            gc.collect()
        self.totals.runs += len(plans)
        self.totals.steps += life.steps
        self.totals.crashes += outcomes is None
        for outcome in outcomes or ():
            require(not outcome.amiss, f"a push ended with something that must never happen:\n{outcome.amiss}")
            require(outcome.error in ENDINGS, f"a push ended with {outcome}")
        self.check()
        return outcomes or []

    async def _handled(self, request: web.BaseRequest) -> web.StreamResponse:
        self._requests += 1
        number = self._requests
        for happens in self._at.pop(number, ()):
            happens()
        answer: web.StreamResponse = await self._handle(request)
        for happens in self._after.pop(number, ()):
            happens()
        return answer

    def _arm(self, life: Life) -> None:
        """Puts a fault or two at their places, which may be behind the end of the run."""
        self._at.clear()
        self._after.clear()
        for _ in range(self.dice.choice((1, 1, 2))):
            kind = self.dice.choices(list(FAULTS), list(FAULTS.values()))[0]
            where = "answer" if kind == "unheard" else self.dice.choice(list(PLACES))
            at = self.dice.randint(1, self.dice.choice((5, PLACES[where] // 5, PLACES[where])))
            happens = partial(self._happen, kind, life)
            if where in ("request", "answered"):
                place = self._at if where == "request" else self._after
                place.setdefault(self._requests + at, []).append(happens)
            else:
                life.put(Fault(kind, at, cast(Where, where)), happens)

    def _happen(self, kind: str, life: Life) -> None:
        self.totals.faults[kind] += 1
        match kind:
            case "kill":
                life.kill()
            case "stop":
                life.signal(signal.SIGTERM)
            case "cut":
                self._administrator.cut()
            case "unheard":
                life.answer = _lost

    def check(self) -> None:
        """What Pyrus has of each task are its first rows, in their order; of new tasks, as many as were made."""
        rows = cast("list[Row]", self.ask(ROWS))
        for task_id in self._first:
            mine = [row for row in rows if row[1] == "comment" and row[2] == task_id]
            sent = [row for row in mine if row[4] == "sent"]
            made = self._notes(task_id)[self._before[task_id] :]
            require(mine[: len(sent)] == sent, f"task {task_id}: sent rows are not the first: {mine}")
            require(len(sent) <= len(made) <= len(sent) + 1, f"task {task_id}: {made} made by {mine}")
            require(made == [row[3] for row in mine[: len(made)]], f"task {task_id}: {made} is not the order of {mine}")
            if len(made) > len(sent):
                require(mine[len(sent)][4] in ("sending", "unknown"), f"task {task_id}: {made} made by {mine}")
        made_tasks = self._made()
        sent_tasks = Counter(row[1::2][:2] for row in rows if row[1] != "comment" and row[4] == "sent")
        open_tasks = Counter(row[1::2][:2] for row in rows if row[1] != "comment" and row[4] in ("sending", "unknown"))
        require(sent_tasks <= made_tasks, f"lost tasks: {sent_tasks - made_tasks}")
        require(made_tasks <= sent_tasks + open_tasks, f"made twice: {made_tasks - sent_tasks - open_tasks}")

    def _end(self) -> None:
        """Without faults, and after a person has decided about unknown rows, every row is applied once."""
        self.sandbox.faults = Faults()
        (outcome,) = self._run("push")
        require(outcome.exit_code in (0, 6), f"a quiet push ended with {outcome}")
        require(not [row for row in self._rows() if row[4] == "sending"], "a row is still being sent")
        for _ in range(len(self._rows())):
            unknown = [row for row in self._rows() if row[4] == "unknown"]
            if not unknown:
                break
            self._decide(unknown[0])
            self._run("push")
        require({row[4] for row in self._rows()} <= {"sent"}, f"not all rows are sent: {self._rows()}")
        wanted = Counter(row[1::2][:2] for row in self._rows() if row[1] != "comment")
        require(self._made() == wanted, f"not all tasks are made: {self._made()}, not {wanted}")
        self._run("sync")
        for task_id in self._first:
            stored = self.ask(f"SELECT text FROM pyrus.notes WHERE task_id = {task_id} ORDER BY note_no")
            require([text for (text,) in stored] == self._notes(task_id), f"task {task_id} was not read back")

    def _decide(self, row: Row) -> None:
        """A person looks in Pyrus, and decides about a row."""
        row_id, action, task_id, text, _ = row
        self.totals.faults["unknown"] += 1
        rows = self._rows()
        if action != "comment":
            sent = sum(each[1] == action and each[3] == text and each[4] == "sent" for each in rows)
            is_made = self._made()[action, text] > sent
        else:
            assert task_id is not None
            sent = sum(each[2] == task_id and each[1] == "comment" and each[4] == "sent" for each in rows)
            is_made = len(self._notes(task_id)) - self._before[task_id] > sent
        self.ask(
            f"UPDATE pyrus.outbox SET status = '{'sent' if is_made else 'waiting'}', attempts = 0, baseline = NULL "
            f"WHERE outbox_id = '{row_id}'"
        )

    def _rows(self) -> list[Row]:
        return cast("list[Row]", self.ask(ROWS))

    def _notes(self, task_id: int) -> list[str | None]:
        return [note.get("Text") for note in self.world.task(task_id)["TaskWithNotes"]["Notes"]]

    def _made(self) -> "Counter[tuple[str, str]]":
        """The new tasks at Pyrus: the action that made each, and its text or the value of its form."""
        tasks = [self.world.task(each)["TaskWithNotes"] for each in self.world.task_ids() if each not in self._first]
        return Counter(_shown(task) for task in tasks if task["Author"]["Id"] == ACCOUNT.id)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement)

    def close(self) -> None:
        self._connection.close()


def _shown(task: dict[str, Any]) -> tuple[str, str]:
    values = [each["Text"] for each in task.get("Form", ()) if each["Field"]["Id"] == FIELD]
    return ("form_task", values[0]) if values else ("task", task["Text"])


def _lost(session: Session) -> None:
    cut(session)
    raise psycopg.OperationalError("the connection is lost")


def play_outbox(seed: int, machine: Machine, length: int = 6) -> Totals:
    """Plays the history of a seed; raises AssertionError if it breaks."""
    with _opened(seed, machine) as history:
        return history.played(seed, length)


@contextmanager
def _opened(seed: int, machine: Machine) -> Iterator[HistoryOfOutbox]:
    with ExitStack() as opened:
        database = opened.enter_context(machine.database(CLOCK))
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="outbox-")))
        (folder / "file.txt").write_bytes(b"the file")
        administrator = opened.enter_context(closing(Administrator(database)))
        history = opened.enter_context(closing(HistoryOfOutbox(seed, database, administrator, folder)))
        opened.enter_context(nothing_left_behind())
        opened.enter_context(living(history.clock, lambda: moment(history.world.clock.now()), seed))
        yield history
