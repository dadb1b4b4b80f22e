"""The stage of a history: a world behind a sandbox, a database of its own, and the parts that watch and harm them."""

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import NamedTuple

import psycopg

from pyrus_etl.sandbox import Sandbox
from pyrus_etl.settings import Secret
from tests.servers import Server
from tests.simulation.commits import HOOKS, Commits
from tests.simulation.history import History, Setting
from tests.simulation.lag import LaggingWorld
from tests.simulation.runs import Launcher, Watch, put_in
from tests.simulation.stored import Reader
from tests.simulation.truth import Truth
from tests.simulation.wire import Wire, wired

_numbers = itertools.count(1)


class Stage(NamedTuple):
    """`runner` makes the runs, `rival` the runs that take the lock over from a frozen one."""

    setting: Setting
    server: Server
    database: Secret
    sandbox: Sandbox
    truth: Truth
    watch: Watch
    commits: Commits
    reader: Reader
    wire: Wire
    runner: Launcher
    rival: Launcher


@contextmanager
def staged(history: History, server: Server, template: str, launchers: tuple[Launcher, Launcher]) -> Iterator[Stage]:
    """Everything that a history needs, made from its seed; at the end no run is left."""
    given = history.setting
    world = LaggingWorld(history.seed, given.tasks, tick=given.tick)
    with ExitStack() as opened:
        database = opened.enter_context(_database(server, template))
        sandbox = opened.enter_context(
            Sandbox(world, cap=given.cap, order=given.order, period=given.period, token_requests=given.token_requests)
        )
        watch = Watch(world, given.pace)
        put_in(watch, sandbox)
        commits = opened.enter_context(closing(Commits(database)))
        reader = opened.enter_context(closing(Reader(database)))
        wire = opened.enter_context(wired(database))
        for launcher in launchers:
            opened.callback(launcher.end)
        yield Stage(
            given, server, database, sandbox, Truth(world, skews=given.skews), watch, commits, reader, wire, *launchers
        )


@contextmanager
def _database(server: Server, template: str) -> Iterator[Secret]:
    """A database that loses no commit if the server crashes, although the server is configured for speed."""
    name = f"simulation_{os.getpid()}_{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        server.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
        with psycopg.connect(server.url(name).reveal(), autocommit=True) as connection:
            connection.execute(HOOKS.encode())
        yield server.url(name)
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
