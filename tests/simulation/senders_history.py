"""Histories about the outbox of two or three accounts with different sight: rows name their sender, or leave it open.

They push as one program or as several, at the same time; cron may start a push twice. Each process crashes, freezes
and loses its connections alone. Whatever happens, the rows of a task are applied in their order, each once, by an
account that may send it; and a quiet push of all accounts leaves nothing behind that it could send.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast
from uuid import UUID

import msgspec

from pyrus_etl.load.outbox import statuses
from pyrus_etl.load.outbox.senders import Member
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.sandbox.organisation.forms import CONTRACT
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.push import push
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import Budget, run
from tests.conftest import settings_for
from tests.simulation.administrator import CLOCK, Administrator
from tests.simulation.computer import Computer
from tests.simulation.connection import Connection
from tests.simulation.invariants import require
from tests.simulation.leftovers import nothing_left_behind
from tests.simulation.machine import Machine
from tests.simulation.orders import WAITS, errors_logged
from tests.simulation.outbox_history import ENDINGS, FIELD, KINDS, LATEST, PORT, WORDS
from tests.simulation.posting import Harms, Post
from tests.simulation.process import Process
from tests.simulation.senders import ANN, NAMES, NOBODY, Row, Team
from tests.simulation.senders_book import Book
from tests.simulation.totals import Totals
from tests.simulation.two_accounts import BOB, CID, LOGINS
from tests.simulation.workers_history import name_of

SHARE_QUIET = 0.25
PAUSES = (0.0, 1.0, LATEST, 70.0, 4000.0)
"""Seconds between two pushes. A new task of which nobody knows is decided after an hour."""
NOT_BEFORE = ("NULL", "NULL", "NULL", "clock_timestamp() + interval '1s'", "clock_timestamp() + interval '70s'")
BUSY_TASKS = 4
A_MOMENT = 0.01
HOUR = 3600
Program = tuple[Team, Callable[[Team], Plan]]


class HistoryOfSenders:
    """A history that is being played. `lines`: what happened."""

    def __init__(self, seed: int, sandbox: Sandbox, database: Secret, computer: Computer, folder: Path) -> None:
        self.dice = Random(f"senders {seed}")
        self.api = self.dice.choice(("v3", "v4"))
        self.accounts: Team = (ANN, *sandbox.options.accounts.values())
        self.lines = [f"{self.api}, {[NAMES[one] for one in self.accounts]}"]
        self.book = Book(sandbox.world, database, self.accounts)
        self.post = Post(sandbox, computer)
        self.harms = Harms(self.dice, self.post, name_of(database), self.lines.append, self._start_again)
        self._started: dict[Process, Program] = {}
        self._sandbox, self._database, self._computer, self._folder = sandbox, database, computer, folder
        self._world = sandbox.world
        self.runs = 0

    @property
    def written(self) -> "Counter[str]":
        """The faults of the server."""
        return Counter(self._sandbox.requests.faults)

    def play(self, length: int) -> None:
        for account in self.accounts:
            if self.dice.random() < 0.8:  # the others have not logged in yet
                self._sync(account)
        for _ in range(length):
            for _ in range(self.dice.choice((0, 2, 5, 12))):
                self._put()
            if self.dice.random() < 0.3:
                self._change_sight()
            self._push_quietly() if self.dice.random() < SHARE_QUIET else self._push()
            self._pass(self.dice.choice(PAUSES))
            self.book.check()
        self._end()

    def _put(self) -> None:
        """Somebody inserts a row; texts repeat, also in the same task."""
        dice, lot, text = self.dice, self.dice.random(), self.dice.choice(WORDS)
        if lot < 0.2:
            self._insert("task", None, {"text": text})
        elif lot < 0.3:
            value = {"field_id": FIELD, "value": text, "type": "Text"}
            self._insert("form_task", None, {"form_id": CONTRACT.id, "form_values": [value]})
        else:
            body: dict[str, Any] = {"text": text}
            body |= {"activity_action": dice.choice(("Complete", "Reopen"))} if dice.random() < 0.2 else {}
            body |= {"attachments": ["file.txt"]} if dice.random() < 0.1 else {}
            self._insert("comment", dice.choice(self.book.tasks[:BUSY_TASKS]), body)

    def _insert(self, action: str, task_id: int | None, body: dict[str, Any]) -> None:
        named = self.dice.choice(self.accounts)
        names = (NAMES[named], NAMES[named].upper(), LOGINS[named], NOBODY)
        account = self.dice.choices(names, (5, 2, 2, 0.3))[0] if self.dice.random() < 0.5 else None
        not_before, outbox_id = self.dice.choice(NOT_BEFORE), UUID(int=self.dice.getrandbits(128))
        self.lines.append(f"{outbox_id} {action} {task_id} {account or ''} {body} {not_before}")
        self._computer.clock.sleep(A_MOMENT)
        self._computer.clock.show()
        insert = "INSERT INTO pyrus.outbox (outbox_id, action, task_id, body, account, created_at, not_before) VALUES "
        values = (outbox_id, action, task_id, msgspec.json.encode(body).decode(), account)
        self.book.ask(f"{insert} (%s, %s, %s, %s, %s, clock_timestamp(), {not_before})", *values)

    def _change_sight(self) -> None:
        """An account loses a task or gets it back; perhaps its sync sees that before the next push."""
        task_id, account = self.dice.choice(self.book.tasks), self.dice.choice(self.accounts)
        kind = self.dice.choice(("hide", "show"))
        getattr(self._world, kind)(task_id, account)
        self.lines.append(f"{kind} {task_id} {NAMES[account]}")
        if self.dice.random() < 0.5:
            self._sync(account)

    def _sync(self, account: int) -> None:
        self._sandbox.faults = Faults()
        self._run([((account,), lambda _: sync())])

    def _push(self) -> None:
        """One program for all accounts, or one for each of some, at the same time; cron may start one twice."""
        rates: Any = {kind: self.dice.choice((0, 0.05, 0.2)) for kind in KINDS}
        seed, late = self.dice.randrange(99), self.dice.uniform(0.1, LATEST)
        self._sandbox.faults = Faults(seed=seed, endpoints=("writes",), late_seconds=late, **rates)
        some = self.dice.sample([(one,) for one in self.accounts], self.dice.randint(1, len(self.accounts)))
        teams: list[Team] = [*self.dice.choice(([self.accounts], some, [self.accounts, *some[:1]]))]
        teams += [self.dice.choice(teams)] if self.dice.random() < 0.3 else []
        self._pushed(teams, may_be_harmed=True)

    def _push_quietly(self) -> None:
        """A push of all accounts without faults leaves only rows at which somebody has to look, or that are not due."""
        self._sandbox.faults = Faults()
        due = {row.outbox_id for row in self.book.rows() if row.is_due}
        results = self._pushed([self.accounts])
        if all(one.error is None for one in results):
            rows = [row._replace(is_due=row.outbox_id in due) for row in self.book.rows()]
            left = _left_behind(rows, self.accounts)
            require(not left, f"a quiet push has left rows behind: {left}")

    def _pushed(self, teams: Sequence[Team], *, may_be_harmed: bool = False) -> list[Result]:
        """Pushes at the same time, each of a team."""
        self.book.begin()
        results = self._run([(team, self._plan) for team in teams], may_be_harmed=may_be_harmed)
        self.book.check(teams)
        return results

    def _plan(self, team: Team) -> Plan:
        return push(str(self._folder), [Member(NAMES[one], LOGINS[one]) for one in team])

    def _run(self, programs: Sequence[Program], *, may_be_harmed: bool = False) -> list[Result]:
        """Runs programs at the same time; returns the results of those that did not die."""
        self._started = {}
        for program in programs:
            process = self._start(program)
            if may_be_harmed:
                self.harms.put(process)
        self._computer.play(lambda: not self._computer.processes)
        started = list(self._started)
        self.runs += len(started)
        for process in started:
            endings = [str(one.error or "ended well") for one in process.result or ()]
            self.lines.append(f"  {process.name}: {process.exit_code} {endings}")
        results = [one for process in started for one in process.result or ()]
        wrong = [one for one in results if one.error is not None and type(one.error).__name__ not in ENDINGS]
        require(not wrong, f"runs ended with {[one.error for one in wrong]}")
        return results

    def _start(self, program: Program) -> Process:
        team, plan = program
        process = self._computer.start(str([NAMES[one] for one in team]), self._work(team, plan), self.post.handle)
        self._started[process] = program
        return process

    def _start_again(self, process: Process) -> None:
        """Cron starts a program while the last one is frozen."""
        self._start(self._started[process])

    def _work(self, team: Team, plan: Callable[[Team], Plan]) -> Callable[[], Any]:
        budget = self.dice.randint(3, 40) if plan == self._plan and self.dice.random() < 0.1 else None

        async def work() -> list[Result]:
            runs = [
                run(plan(team), self._settings(one), budget=Budget(budget), handles_signals=one == team[0])
                for one in team
            ]
            return await asyncio.gather(*runs)

        return work

    def _settings(self, account: int) -> Settings:
        login = {"PYRUS_API": self.api, "PYRUS_LOGIN": LOGINS[account]}
        found = settings_for(self._sandbox, self._database, **login)
        return replace(found, waits=WAITS, account=NAMES[account], has_several=True)

    def _pass(self, seconds: float) -> None:
        self._computer.clock.sleep(seconds)
        self._world.advance(seconds)
        self.lines.append(f"{seconds:.1f} s")

    def _end(self) -> None:
        """Everybody sees all, and persons decide about rows: then quiet pushes apply each row once."""
        self._pass(LATEST)
        for account in self.accounts:
            for task_id in self.book.tasks:
                self._world.show(task_id, account)
            self._sync(account)
        self._pass(100.0)
        for _ in range(len(self.book.rows()) + 2):
            self._push_quietly()
            if not self._decided():
                break
        rows = self.book.rows()
        require({row.status for row in rows} <= {"sent"}, f"not all rows are sent: {rows}")
        self._check_read_back()

    def _decided(self) -> bool:
        """A person looks in Pyrus at the first row that is not settled of each task; returns whether there are any."""
        found = [row for row in self.book.rows() if row.status != "sent"]
        first = {row.task_id or row.outbox_id: row for row in reversed(found)}
        for row in first.values():
            if row.status in ("unknown", "refused"):
                status = "sent" if self.book.is_applied(row) else "waiting"
                self.book.do(partial(_resolved, row, status))
            self.book.ask("UPDATE pyrus.outbox SET account = NULL WHERE account = %s", NOBODY)
        return bool(found)

    def _check_read_back(self) -> None:
        for account in self.accounts:
            self._sync(account)
        for task_id in self.book.tasks:
            stored = self.book.ask(
                "SELECT author_id, text FROM pyrus.notes WHERE task_id = %s ORDER BY note_no", task_id
            )
            made = self.book.notes(task_id)
            require(stored[-len(made) :] == made or not made, f"task {task_id} was not read back: {stored}, {made}")


def _left_behind(rows: Sequence[Row], accounts: Team) -> list[Row]:
    """The rows that a push of these accounts could have sent."""
    known = {None, *(NAMES[one] for one in accounts), *(LOGINS[one] for one in accounts)}
    in_the_way: set[int] = set()
    left = []
    for row in rows:
        name = row.account and row.account.lower()
        is_settled = row.status in ("refused", "unknown") or not row.is_due or name not in known
        is_behind = row.action == "comment" and row.task_id in in_the_way
        if row.status != "sent" and not is_settled and not is_behind:
            left.append(row)
        if row.status != "sent" and row.action == "comment" and row.task_id:
            in_the_way.add(row.task_id)
    return left


def _resolved(row: Row, status: str, connection: Connection) -> None:
    with connection.transaction():
        statuses.resolve(cast(Any, connection), row.outbox_id, status)


def play_senders(seed: int, machine: Machine, length: int = 6) -> Totals:
    """Plays the history of a seed; raises AssertionError if it breaks."""
    sandbox = _sandbox(seed)
    with ExitStack() as opened:
        database = opened.enter_context(machine.database(CLOCK))
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="outbox-")))
        (folder / "file.txt").write_bytes(b"the file")
        administrator = opened.enter_context(closing(Administrator(database)))
        computer = Computer(seed, [sandbox.world], {"": administrator})
        history = HistoryOfSenders(seed, sandbox, database, computer, folder)
        opened.callback(history.book.close)
        opened.enter_context(nothing_left_behind())
        opened.enter_context(computer.on(seed))
        opened.enter_context(history.post.watching())
        errors = opened.enter_context(errors_logged())
        _played(history, seed, length)
        require(not errors, f"errors were logged: {errors}")
        return _totals(history, computer)


def _played(history: HistoryOfSenders, seed: int, length: int) -> None:
    try:
        history.play(length)
    except AssertionError as error:
        story = "\n".join(history.lines)
        raise AssertionError(f"the history of senders of seed {seed} broke:\n{story}\n{error}") from error


def _totals(history: HistoryOfSenders, computer: Computer) -> Totals:
    totals = Totals(histories=1, of_senders=1, runs=history.runs, processes=computer.started)
    totals.requests, totals.faults = history.post.requests, history.harms.counted
    totals.faults.update(history.written)
    totals.steps, totals.crashes = computer.counted["steps"], computer.counted["crashes"]
    return totals


def _sandbox(seed: int) -> Sandbox:
    """An organisation with two or three accounts. Each task is seen by one of them at least."""
    dice = Random(seed)
    world = World(seed, tasks=dice.randint(4, 8))
    accounts = (ANN, BOB, CID)[: dice.choice((2, 3))]
    for task_id in world.task_ids():
        for account in dice.sample(accounts, dice.randint(0, len(accounts) - 1)):
            world.hide(task_id, account)
    world.advance(HOUR)
    sandbox = Sandbox(world, port=PORT, accounts={LOGINS[account]: account for account in accounts[1:]})
    sandbox.backend.located(sandbox.url, None)
    return sandbox
