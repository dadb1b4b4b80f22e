"""Runs in this process that can crash: from then on nothing of them continues, and no cleanup reaches anybody."""

import asyncio
import gc
import logging
import os
import random
import signal
import socket
import sys
import warnings
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from datetime import datetime
from random import Random
from types import SimpleNamespace
from typing import Any, Self, TypeVar
from unittest.mock import patch

import psycopg
from aiohttp import web
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from pyrus_etl.client.network import resolver
from pyrus_etl.extract.v4.listing.together import at_work
from pyrus_etl.postgres import connection, lease, store, upkeep
from pyrus_etl.postgres.connection import Session
from pyrus_etl.sync import memory
from tests.simulation.faults import Fault
from tests.simulation.loop import Loop, another_loop
from tests.simulation.orders import errors_logged
from tests.simulation.passing import Time, passing

T = TypeVar("T")
Happens = Callable[[], object]
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

STEPS_BETWEEN_COLLECTIONS = 500
ANALYZED = ("tasks", "form_values")
"""The tables that each run analyzes: PostgreSQL learns by its real clock which ones have changed much."""
LONGEST_RUN = 20_000.0
"""Seconds of the clock, which nobody waits for."""


class Crash(BaseException):
    """The process of a run is gone."""


class Life:
    """A run in this process, or several that crash together.

    It has a loop of its own, which is also its network and its clock (see `loop`), and works on the database between
    two steps of the loop, sooner or later by its dice. `doomed`: the signal that killed it, if any. `errors`: the
    errors that it logged. `committing`: the session in whose transaction it is about to commit. `answer`: called at a
    commit in place of an answer.
    """

    def __init__(self, clock: Time, dice: Random, handle: Handler, look: Happens = lambda: None) -> None:
        self._clock, self._dice, self.handle, self._look = clock, dice, handle, look
        self._haste = dice.choice((0.0, 0.1, 0.5, 1.0))
        self._shuffles = dice.random() < 0.5
        self._end = clock.now() + LONGEST_RUN
        self._works: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._sessions: list[_Session] = []
        self._loop = Loop(clock, self._step, self._idle, self._arrange)
        self._loop.set_exception_handler(self._complained)
        self.doomed = ""
        self.errors: list[str] = []
        self.steps = self.begins = self.commits = self.calls = 0
        self._at_step: dict[int, list[Happens]] = defaultdict(list)
        self._at_begin: dict[int, list[Happens]] = defaultdict(list)
        self._at_commit: dict[int, list[Happens]] = defaultdict(list)
        self._at_file: dict[int, list[Happens]] = defaultdict(list)
        self._after_commit: dict[int, list[Happens]] = defaultdict(list)
        self.committing: Session | None = None
        self.answer: Callable[[Session], object] | None = None

    def live(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Does the work to its end, and returns what it returns; None after a crash."""
        handler = signal.getsignal(signal.SIGINT)
        with errors_logged() as self.errors, another_loop(), current(self), collecting_by_hand():
            try:
                return self._ran(work)
            except Crash as crash:
                with unheard():
                    crash.__traceback__ = crash.__context__ = None  # frees what only the frames hold
                return None
            finally:
                self._bury()
                signal.signal(signal.SIGINT, handler)  # the dead may have put theirs back when they were freed

    def _ran(self, work: Callable[[], Awaitable[T]]) -> T:
        runner = asyncio.Runner(loop_factory=lambda: self._loop)
        done = runner.run(self._lived(work))
        runner.close()
        return done

    async def _lived(self, work: Callable[[], Awaitable[T]]) -> T:
        server = self._loop.server = web.Server(self.handle, access_log=None)
        done = await work()
        await server.shutdown(0)
        return done

    def put(self, fault: Fault, happens: Happens) -> None:
        """Makes a fault happen at its place: a step of the loop, a part of a transaction, or a call to the disk."""
        places = {"step": self._at_step, "begin": self._at_begin, "file": self._at_file}
        places |= {"commit": self._at_commit, "answer": self._after_commit}
        if fault.where in places:
            places[fault.where][fault.at].append(happens)

    def kill(self) -> None:
        self.doomed = "SIGKILL"

    def signal(self, number: signal.Signals) -> None:
        """SIGTERM: the run's own handler is called; if there is none, it dies of it."""
        if handler := self._loop.on_signal.get(number):
            self._loop.call_soon(handler)
        else:
            self.doomed = number.name

    def check_alive(self) -> None:
        """Crashes if it is doomed: cuts its sessions, as the death of a process does, before anything is cleaned up."""
        if self.doomed:
            self._cut_all()
            raise Crash

    def _cut_all(self) -> None:
        for session in self._sessions:
            cut(session)

    def wait(self, session: Any, gen: Any, wait: Callable[[Any], T]) -> T:
        """Waits until the database has done something for a session."""
        return wait(gen)

    def reach(self, database: str) -> None:
        """Raises OperationalError if it cannot reach a database."""

    def submit(self, work: Callable[[], T], queue: object = None) -> "Future[T]":
        """Queues work on the database, behind that of the same queue; the dead do none."""
        future: Future[T] = Future()
        if not self.doomed:
            self._works.append((future, work))
        return future

    def opened(self, session: "_Session") -> None:
        self._sessions.append(session)

    def about_to_begin(self) -> None:
        self.begins += 1
        self._reaches(self._at_begin, self.begins)

    def about_to_commit(self, session: Session) -> None:
        self.commits += 1
        self.committing = session
        self._reaches(self._at_commit, self.commits)
        self.committing = None
        self._answered(session)

    def committed(self, session: Session) -> None:
        self._look()
        self._reaches(self._after_commit, self.commits)
        self._answered(session)

    def about_to_touch_a_file(self) -> None:
        self.check_alive()
        self.calls += 1
        self._reaches(self._at_file, self.calls)

    def _answered(self, session: Session) -> None:
        """Gives the answer of a fault that happened here, if there was one."""
        answer, self.answer = self.answer, None
        if answer:
            answer(session)

    def _reaches(self, place: dict[int, list[Happens]], number: int) -> None:
        for happens in place.pop(number, []):
            happens()
        self.check_alive()

    def _step(self) -> None:
        self.check_alive()
        self.steps += 1
        if self.steps % STEPS_BETWEEN_COLLECTIONS == 0:
            _collect()
        self._reaches(self._at_step, self.steps)
        if self._clock.now() > self._end:
            raise RuntimeError(f"the run did not come to its end within {LONGEST_RUN:g} seconds")
        if self._has_work() and self._dice.random() < self._haste:
            self._work()

    def _has_work(self) -> bool:
        return bool(self._works)

    def _idle(self, timeout: float | None) -> None:
        """Does work on the database, or puts the clock forward."""
        if not self._work():
            self._clock.pass_by(timeout)

    def _arrange(self, events: list[Any]) -> None:
        if self._shuffles:
            self._dice.shuffle(events)

    def _work(self) -> bool:
        """Does the next piece of work on the database; returns whether there was one."""
        if not self._works:
            return False
        future, work = self._works.popleft()
        if future.set_running_or_notify_cancel():
            self._clock.show()
            try:
                future.set_result(work())
            except Crash:
                raise
            except BaseException as error:
                future.set_exception(error)
        return True

    def _forget_work(self) -> None:
        self._works.clear()

    def _complained(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not self.doomed:
            loop.default_exception_handler(context)

    def _bury(self) -> None:
        """Frees what is left, which reaches nobody."""
        self._cut_all()
        self._forget_work()
        at_work.difference_update({one for one in at_work if one.get_loop() is self._loop})  # they end with the process
        asyncio.set_event_loop(None)  # or cleanup code that asks for a loop gets a new one, which nobody closes
        self._loop.set_exception_handler(lambda *_: None)  # the program may have put its own
        with unheard():
            self._loop.close()
            del self._loop
            if self.doomed:
                gc.collect()
        self.doomed = self.doomed or "ended"


def cut(session: Session) -> None:
    """Ends a session without a farewell."""
    if not session.closed:
        with socket.socket(fileno=os.dup(session.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)
        session.pgconn.finish()


@contextmanager
def unheard() -> Iterator[None]:
    """The cleanup code of the dead complains to nobody."""
    logging.disable()
    with patch.object(sys, "unraisablehook", lambda _: None), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _collect() -> int:
    """Frees what nobody uses any more; some of it may be left of the dead."""
    with unheard():
        return gc.collect()


@contextmanager
def collecting_by_hand() -> Iterator[None]:
    """What only the garbage collector frees, such as a connection that nobody closed, is freed at a certain step."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


_lives: list[Life] = []
"""The run that is at work, and below it the frozen ones beside which it is."""


@contextmanager
def current(life: Life) -> Iterator[None]:
    _lives.append(life)
    try:
        yield
    finally:
        _lives.pop()


def at_work_now() -> Life:
    """The run that is at work."""
    return _lives[-1]


class _Session(Session):
    """A session of a life."""

    life: Life | None = None

    def wait(self, gen: Any, *given: Any, **more: Any) -> Any:
        return self.life.wait(self, gen, super().wait) if self.life else super().wait(gen, *given, **more)

    @classmethod
    def connect(cls, *given: Any, **more: Any) -> Self:
        life = at_work_now()
        life.check_alive()
        life.reach(str(conninfo_to_dict(str(given[0]))["dbname"]))
        session = super().connect(*given, **more)
        session.life = life
        life.opened(session)
        return session

    @contextmanager
    def transaction(self, *given: Any, **more: Any) -> Iterator[psycopg.Transaction]:
        is_outermost = self.info.transaction_status == TransactionStatus.IDLE
        if is_outermost and self.life:
            self.life.about_to_begin()
        with super().transaction(*given, **more) as transaction:
            yield transaction
            if is_outermost and self.life:
                self.life.about_to_commit(self)
        if is_outermost and self.life:
            self.life.committed(self)


class _Background:
    """In place of a thread: the current life does the work between two steps of its loop."""

    def __init__(self, name: str) -> None:
        self._life = at_work_now()

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        return self._life.submit(work, self)

    def close(self) -> None:
        pass


def _at_once(work: Callable[[], T], name: str) -> "Future[T]":
    future: Future[T] = Future()
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)
    return future


@contextmanager
def living(clock: Time, today: Callable[[], datetime], seed: int) -> Iterator[None]:
    """For the block, runs can live in this thread, which has no other work on the connector's code.

    `today`: the time of day by our clock. The server ends no session by its real clock.
    """
    state = random.getstate()
    random.seed(seed)
    with ExitStack() as put:
        put.enter_context(patch.object(connection, "Session", _Session))
        put.enter_context(patch.object(connection, "in_background", _at_once))
        put.enter_context(patch.object(resolver, "in_background", _at_once))
        put.enter_context(patch.object(store, "Background", _Background))
        for name in ("_BRIEFLY", "_RENEW"):
            put.enter_context(patch.object(lease, name, getattr(lease, name).replace("'5s'", "'1h'")))
        put.enter_context(patch.object(upkeep, "outdated", lambda _: ANALYZED))
        put.enter_context(patch.object(memory, "gc", SimpleNamespace(collect=_collect)))
        put.enter_context(passing(clock, today))
        put.callback(random.setstate, state)
        yield
