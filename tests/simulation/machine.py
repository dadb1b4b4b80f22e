"""What plays histories: a server, and the programs that make the runs of a history with real kills."""

import gc
import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any, Self

import psycopg

from pyrus_etl.sandbox import Sandbox
from pyrus_etl.sandbox.organisation.clock import moment
from pyrus_etl.settings import Secret
from tests.servers import Server
from tests.simulation.administrator import CLOCK, Administrator
from tests.simulation.commits import HOOKS, Commits
from tests.simulation.conductor import QUOTA_SECONDS, Conductor, Tell
from tests.simulation.history import Setting
from tests.simulation.lag import LaggingWorld
from tests.simulation.leftovers import nothing_left_behind
from tests.simulation.life import living
from tests.simulation.one_process import InOneProcess
from tests.simulation.passing import Time
from tests.simulation.processes import InProcesses
from tests.simulation.runs import Launcher, Watch, put_in
from tests.simulation.stage import Stage
from tests.simulation.stored import Reader
from tests.simulation.wire import wired

_numbers = itertools.count(1)


class Machine:
    """Open it with `with`. `template`: a database of the server with the schema and no rows."""

    def __init__(self, server: Server, template: str) -> None:
        self._server, self._template = server, template
        self._opened = ExitStack()
        self._templates: dict[str, str] = {}
        self._launchers: tuple[Launcher, Launcher] | None = None

    def __enter__(self) -> Self:
        gc.freeze()  # so that it is quick to look for the garbage of a crash
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()
        gc.unfreeze()

    @contextmanager
    def conducting(
        self, given: Setting, seed: int, world: LaggingWorld, tell: Tell, log: list[str], **options: Any
    ) -> Iterator[Conductor]:
        """What makes the runs of a history; at the end none is left. `options`: further options of the sandbox."""
        sandbox = Sandbox(
            world,
            cap=given.cap,
            order=given.order,
            period=given.period,
            quota=(given.quota, QUOTA_SECONDS) if given.quota else None,
            token_requests=given.token_requests,
            **options,
        )
        watch = Watch(world, given.pace)
        put_in(watch, sandbox)
        with ExitStack() as opened:
            database = opened.enter_context(self.database(HOOKS if given.kills else CLOCK))
            administrator = opened.enter_context(closing((Commits if given.kills else Administrator)(database)))
            reader = opened.enter_context(closing(Reader(database)))
            stage = Stage(given, self._server, database, database, sandbox, watch, administrator, reader)
            if isinstance(administrator, Commits):
                opened.enter_context(sandbox)
                wire = opened.enter_context(wired(database))
                launchers = opened.enter_context(self.launched())
                yield InProcesses(stage._replace(entrance=wire.url), log, tell, administrator, wire, launchers)
            else:
                clock = Time()
                clock.show = partial(administrator.show_time, clock)
                clock.show()  # hints may be stored before the first run
                opened.enter_context(nothing_left_behind())
                opened.enter_context(living(clock, lambda: moment(world.clock.now()), seed))
                yield InOneProcess(stage, log, tell, clock, seed)

    @contextmanager
    def launched(self) -> Iterator[tuple[Launcher, Launcher]]:
        """Two launchers; no run of theirs is left after the block."""
        if not self._launchers:
            self._launchers = self._opened.enter_context(Launcher()), self._opened.enter_context(Launcher())
        try:
            yield self._launchers
        finally:
            for launcher in self._launchers:
                launcher.end()

    @contextmanager
    def database(self, additions: str) -> Iterator[Secret]:
        """A database that loses no commit if the server crashes, although the server is configured for speed."""
        if additions not in self._templates:
            self._templates[additions] = self._opened.enter_context(_cloned(self._server, self._template))
            with psycopg.connect(self._server.url(self._templates[additions]).reveal(), autocommit=True) as connection:
                connection.execute(additions.encode())
        with _cloned(self._server, self._templates[additions]) as name:
            self._server.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
            yield self._server.url(name)


@contextmanager
def _cloned(server: Server, template: str) -> Iterator[str]:
    name = f"simulation_{os.getpid()}_{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        yield name
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
