"""Histories of two or three accounts that share a database: `python -m tests.simulation.two_accounts [SEED [COUNT]]`.

Tasks come into the sight of each account and leave it, change, are deleted and come back, while the accounts sync and
reconcile in any order or at the same time, behind a server with faults. Each history is replayed exactly by its seed,
except for the order in which runs at the same time meet.
"""

import asyncio
import itertools
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import psycopg

from pyrus_etl.load.progress.hints import note_hints
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT, EVERYBODY
from pyrus_etl.settings import Secret
from pyrus_etl.sync.flow import LIMITS
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.backfill import backfill
from pyrus_etl.sync.plans.hints import hints, with_hints
from pyrus_etl.sync.plans.reconcile import reconcile
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.result import HINTS, Result
from pyrus_etl.sync.run import run
from tests.conftest import TEMPLATE, settings_for
from tests.impatient import IMPATIENT
from tests.oracle import assert_tables_equal_world
from tests.servers import Server

ANN, BOB, CID = ACCOUNT.id, EVERYBODY[1].id, EVERYBODY[2].id
LOGINS = {ANN: "robot@northlight.example", BOB: "second@northlight.example", CID: "third@northlight.example"}
HOUR, DAY = 3600, 86_400
LINGER = 0.5
"""Seconds that a run for hints waits for more."""


def hinted() -> Plan:
    """Its events are made by each run, because another process may begin the same plan, and has a loop of its own."""
    return Plan(HINTS, lambda run: hints(_set(), asyncio.Event(), LINGER).carry_out(run))


def sync_with_hints() -> Plan:
    plan = sync()
    return plan._replace(carry_out=lambda run: with_hints(plan, _set()).carry_out(run))


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


PLANS = (sync, sync, sync_with_hints, hinted, backfill, lambda: reconcile(force=True))
WEATHER = (Faults(), Faults(), Faults(error=0.1), Faults(reset=0.1), Faults(slow=0.2, seconds=0.02))
EVENTS = ("edit", "edit", "edit", "create", "hide", "show", "delete", "restore", "unlist", "relist", "silence", "hint")
SHARE_CHANGED = 0.2
"""Share of the requests before which a task changes, while runs may crash."""
LINGERS = (0.01, 0.5, 5.0)
"""Seconds that a run keeps tasks before it commits them."""
READERS = "SELECT task_id, account_id FROM pyrus.task_sightings WHERE is_reader"
TWO_READERS = "SELECT task_id FROM pyrus.task_sightings WHERE is_reader GROUP BY 1 HAVING count(*) > 1"
DELETED = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL"
SILENCE = "UPDATE pyrus.sync_cursors SET updated_at = updated_at - interval '49 hours' WHERE account_id = %s"
DATES = "SELECT task_id, modified_date FROM pyrus.tasks WHERE modified_date IS NOT NULL"
_numbers = itertools.count(1)

Results = list[Result]
Live = Callable[[Callable[[], Coroutine[Any, Any, Results]], bool], Results | None]
"""Does the runs, and returns their results; if they may crash, perhaps None."""


class History:
    """A history that is being played. `deleted`: the tasks that are deleted in the world. `live`: does the runs."""

    def __init__(self, seed: int, sandbox: Sandbox, database: Secret, live: Live) -> None:
        self.live = live
        self.seed, self.dice = seed, Random(seed)
        self.sandbox = sandbox
        self.world = sandbox.world
        self.database = database
        self.accounts = [ANN, *sandbox.options.accounts.values()]
        self.lines: list[str] = []
        self.deleted: set[int] = set()
        self._during = Random(f"during {seed}")
        self._is_lively = False
        self._dates: dict[int, datetime] = {}
        self._older = set[int]()

    def play(self, length: int) -> None:
        for _ in range(length):
            for _ in range(self.dice.choice((1, 2, 5))):
                self._happen(self.dice.choice(EVENTS))
            self.world.advance(self.dice.choice((10, HOUR, DAY)))
            self._runs()
        self._end()

    def _happen(self, event: str) -> None:
        task_id, account = self.dice.choice(self._ids()), self.dice.choice(self.accounts)
        self.lines.append(f"{event} {task_id} {account}")
        match event:
            case "create":
                self.world.hide(self.world.create()[0], account)
            case "edit":
                self.world.edit(task_id)
            case "hide" | "show":
                getattr(self.world, event)(task_id, account)
            case "delete":
                self.world.delete(task_id)
                self.deleted.add(task_id)
            case "restore" if self.deleted:
                self.world.restore(self.dice.choice(sorted(self.deleted)))
                self.deleted &= {one for one in self.deleted if not self._exists(one)}
            case "unlist" | "relist":
                getattr(self.world, event)(task_id)
            case "silence":
                self._ask(SILENCE, account)
            case "hint":
                self._hint(task_id)

    def _hint(self, task_id: int) -> None:
        """Webhooks name a task to all accounts, each of which fetches it without regard to the others."""
        with psycopg.connect(self.database.reveal()) as connection:
            for account in self.accounts:
                note_hints(connection, LOGINS[account], [task_id])

    def look(self) -> None:
        """Called after commits: an older body than the stored one must not take its place."""
        for task_id, date in self._ask(DATES):
            if date < self._dates.get(task_id, date):
                self._older.add(task_id)
            self._dates[task_id] = date

    def about_to_answer(self) -> None:
        """Called before each answer: a task that one account was just served may change before another one asks."""
        if self._is_lively and self._during.random() < SHARE_CHANGED:
            self.world.advance(self._during.choice((0, 1, 3)))
            there, served = self._ids(), self.sandbox.requests.fetched
            task_id = served[-1] if served and served[-1] in there else self._during.choice(there)
            self.world.edit(task_id)
            self.lines.append(f"    edit {task_id}")

    def _ids(self) -> list[int]:
        return sorted({task_id for account in self.accounts for task_id in self.world.task_ids(account)})

    def _exists(self, task_id: int) -> bool:
        try:
            self.world.ordinal(task_id)
        except KeyError:
            return False
        return True

    def _runs(self) -> None:
        """One run, or runs of several accounts at the same time; checks that only tasks are marked that nobody sees."""
        self.sandbox.faults = self.dice.choice(WEATHER)
        accounts = self.dice.sample(self.accounts, self.dice.randint(1, len(self.accounts)))
        plans = [(account, self.dice.choice(PLANS)()) for account in accounts]
        before = set(self._ask(DELETED))
        seen = set(self._ask("SELECT task_id, account_id FROM pyrus.task_sightings"))
        self._is_lively = True
        for result in self._run(plans, may_crash=True):
            self._check_ending(result)
        self._is_lively = False
        self.look()
        assert not self._older, f"older bodies of {self._older} came back"
        marked = {task_id for (task_id,) in set(self._ask(DELETED)) - before}
        wrong = {
            one for account in self.accounts for one in self.world.task_ids(account) if (one, account) in seen
        } & marked
        assert not wrong, f"{wrong} are marked as deleted, and an account that knows them sees them"
        assert self._ask(TWO_READERS) == []

    def _check_ending(self, result: Result) -> None:
        assert result.error is None, f"{result.kind} ended with {result.error!r}"

    def _line(self, plans: list[tuple[int, Plan]]) -> str:
        faults = f" {self.sandbox.faults}" if self.sandbox.faults != Faults() else ""
        return f"{[(plan.kind, account) for account, plan in plans]}{faults}"

    def _run(self, plans: list[tuple[int, Plan]], *, may_crash: bool = False) -> list[Result]:
        self.lines.append(self._line(plans))
        lingers = [self.dice.choice(LINGERS) for _ in plans]

        async def together() -> list[Result]:
            settings = [
                replace(settings_for(self.sandbox, self.database, PYRUS_LOGIN=LOGINS[one]), waits=IMPATIENT)
                for one, _ in plans
            ]
            runs = [
                run(plan, own, limits=LIMITS._replace(linger=linger))
                for (_, plan), own, linger in zip(plans, settings, lingers, strict=True)
            ]
            return await asyncio.gather(*runs)

        results = self.live(together, may_crash)
        if results is None:
            self.lines.append("  they crashed")
        return results or []

    def _end(self) -> None:
        """After a census and two syncs of each account, the tables are what the accounts see; nothing is left to do."""
        self.sandbox.faults = Faults()
        for task_id in self._ids():
            self.world.relist(task_id)
        self.world.advance(HOUR)
        for plan in (reconcile(force=True), sync(), sync()):
            for account in self.accounts:
                (result,) = self._run([(account, plan)])
                assert (result.error, result.counts.tasks_failed) == (None, 0)
        self._check()
        self.sandbox.requests.clear()
        for account in self.accounts:
            self._run([(account, reconcile(force=True))])
        assert self.sandbox.requests.fetched == [], "a quiet world was fetched again"

    def _check(self) -> None:
        readers = dict(self._ask(READERS))
        for account in self.accounts:
            seen = self._ask("SELECT task_id FROM pyrus.task_sightings WHERE account_id = %s", account)
            assert sorted(seen) == sorted((one,) for one in self.world.task_ids(account)), f"what {account} sees"
        assert sorted(readers) == self._ids(), "every task that somebody sees has a reader"
        marked = {task_id for (task_id,) in self._ask(DELETED)}
        assert not marked & readers.keys()
        assert not self._ask("SELECT task_id FROM pyrus.sync_errors WHERE resolved_at IS NULL")
        assert self._ask("SELECT task_id FROM pyrus.task_claims") == [], "no claim is left"
        self._ask("DELETE FROM pyrus.tasks WHERE deleted_at IS NOT NULL")
        bodies = {task_id: self.world.body(task_id, reader) for task_id, reader in readers.items()}
        assert_tables_equal_world(self.database, bodies, lived=True)

    def _ask(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.reveal(), autocommit=True) as connection:
            cursor = connection.execute(sql.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []


def play(seed: int, database: Secret, length: int = 6) -> None:
    """Plays the history of a seed on an empty database; raises AssertionError with what happened."""
    with sandbox_of(seed) as sandbox:
        played(History(seed, sandbox, database, lambda work, _: asyncio.run(work())), length)


def sandbox_of(seed: int, port: int = 0) -> Sandbox:
    """A new organisation with two or three accounts, which see different, overlapping tasks."""
    dice = Random(seed)
    world = World(seed, tasks=dice.randint(10, 30), private_notes=dice.random() < 0.7, tick=dice.choice((1.0, 0.3)))
    accounts = [ANN, BOB, CID][: dice.choice((2, 3))]
    for task_id in world.task_ids():
        if dice.random() < 0.5:
            for account in dice.sample(accounts, dice.randint(1, len(accounts) - 1)):
                world.hide(task_id, account)
    world.advance(HOUR)
    others = {LOGINS[account]: account for account in accounts[1:]}
    return Sandbox(world, port=port, cap=dice.choice((None, 7, 20)), accounts=others)


def played(history: History, length: int) -> None:
    """Plays a history; raises AssertionError with what happened."""
    try:
        history.play(length)
    except AssertionError as error:
        raise AssertionError(f"seed {history.seed}: {error}\n" + "\n".join(history.lines)) from error


@contextmanager
def new_database(server: Server) -> Iterator[Secret]:
    """A database of its own, cloned from the template."""
    name = f"accounts_{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    try:
        yield server.url(name)
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def main() -> None:
    from pyrus_etl.reports.upgrade.migrate import upgrade
    from tests.servers import embedded_server, server_folder

    first, number = (int(given) for given in [*sys.argv[1:], "1", "10"][:2])
    with server_folder() as folder, embedded_server(folder) as server:
        server.execute(f"CREATE DATABASE {TEMPLATE}")
        upgrade(server.url(TEMPLATE))
        for seed in range(first, first + number):
            with new_database(server) as database:
                play(seed, database)
        print(f"{number} histories of several accounts, from seed {first}: nothing found")


if __name__ == "__main__":
    main()
