"""Plays many histories at a time: each worker is a process with a server of its own."""

import logging
import multiprocessing
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Event
from random import Random, SystemRandom
from typing import Literal, NamedTuple

from pyrus_etl.reports.upgrade.migrate import upgrade
from tests.servers import embedded_server, server_folder
from tests.simulation.crashing_files import play_files
from tests.simulation.hints import EVERY as EVERY_HINTED
from tests.simulation.hints import with_hints
from tests.simulation.history import History, history_of
from tests.simulation.history_v4 import HistoryV4, history_v4_of
from tests.simulation.invariants import Broken
from tests.simulation.killing_files import play_files_killed
from tests.simulation.killing_outbox import play_outbox_killed
from tests.simulation.machine import Machine
from tests.simulation.outbox_history import play_outbox
from tests.simulation.play import play
from tests.simulation.play_cluster import play_cluster
from tests.simulation.senders_history import play_senders
from tests.simulation.totals import Totals
from tests.simulation.two_crashing import play_two_accounts
from tests.simulation.workers_history import play_workers

TEMPLATE = "template_pyrus"
EVERY = 8
"""Over v3, the history of every eighth seed is one of two accounts."""
EVERY_OF = {"outbox": 7, "files": 5, "clusters": 13, "processes": 11}
"""What the history of every so many seeds is about, over an API that it chooses. Processes: runs with `--workers N`."""
SHARE_OF_SENDERS = 0.5
"""Share of the histories about the outbox that have several accounts."""
Api = Literal["v3", "v4"]


class Failure(NamedTuple):
    """A broken history, and its shortest part that still breaks, if that was looked for."""

    seed: int
    message: str
    shrunk: str = ""

    def __str__(self) -> str:
        lines = [f"\nBROKEN with seed {self.seed}: {self.message}"]
        lines += [f"\nthe shortest history that still breaks:\n{self.shrunk}"] if self.shrunk else []
        return "\n".join(lines)


@dataclass
class Played:
    """What was played, in how many seconds."""

    totals: Totals = field(default_factory=Totals)
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        histories = self.totals.histories + len(self.failures)
        an_hour = histories / self.seconds * 3600 if self.seconds else 0
        seeds = ", ".join(str(failure.seed) for failure in self.failures)
        return f"{self.totals}\n{an_hour:,.0f} histories an hour\nfailures: {len(self.failures)} {seeds}".rstrip()


class Plan(NamedTuple):
    """How to make the history of a seed, and for how many seconds to shorten it if it breaks.

    `length`: in runs. `kills`: the share of the histories whose runs are processes. `api`: the API over which it is
    played; without it the seed chooses: an odd one means v4. `files`, `outbox`, `processes`, `clusters`: whether all
    are about that.
    """

    length: int = 6
    kills: float = 0.1
    shrink: float = 0.0
    api: Api | None = None
    files: bool = False
    outbox: bool = False
    processes: bool = False
    clusters: bool = False


Show = Callable[[Failure], object]


def play_one(plan: Plan, seed: int, show: Show) -> Played:
    """Plays the history of one seed in this process, and shows its failure."""
    played, began = Played(), time.monotonic()
    with _machine() as machine:
        _add(_play(plan, seed, machine), played, show)
    played.seconds = time.monotonic() - began
    return played


def play_many(plan: Plan, seconds: float, workers: int, show: Show) -> Played:
    """Plays histories until the time is over or somebody interrupts, and shows each failure at once."""
    fork, played, began = multiprocessing.get_context("fork"), Played(), time.monotonic()
    over, processes, ends = fork.Event(), list[ForkProcess](), list[Connection]()
    for _ in range(workers):
        receiving, sending = fork.Pipe(duplex=False)
        processes.append(fork.Process(target=_work, args=(plan, began + seconds, over, sending)))
        processes[-1].start()
        sending.close()
        ends.append(receiving)
    with suppress(KeyboardInterrupt):
        _receive(ends, played, show)
    over.set()
    _receive(ends, played, show)
    for process in processes:
        process.join()
        if process.exitcode:
            raise RuntimeError(f"a worker ended with {process.exitcode} in the middle of a history")
    played.seconds = time.monotonic() - began
    return played


def _receive(ends: list[Connection], played: Played, show: Show) -> None:
    """Adds what the workers have played, until all have ended."""
    while ends:
        for end in wait(ends):
            assert isinstance(end, Connection)
            try:
                found: Totals | Failure = end.recv()
            except EOFError:
                ends.remove(end)
            else:
                _add(found, played, show)


def _add(found: Totals | Failure, played: Played, show: Show) -> None:
    if isinstance(found, Failure):
        played.failures.append(found)
        show(found)
    else:
        played.totals.add(found)


def _work(plan: Plan, end: float, over: Event, sending: Connection) -> None:
    """Plays in a process of its own, with a new server after an error that no invariant explains."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while time.monotonic() < end and not over.is_set():
        with _machine() as machine:
            while time.monotonic() < end and not over.is_set():
                found = _play(plan, SystemRandom().randrange(1 << 31), machine)
                sending.send(found)
                if isinstance(found, Failure):
                    break


def _play(plan: Plan, seed: int, machine: Machine) -> Totals | Failure:
    match _about(plan, seed):
        case "outbox":
            return _play_outbox(plan, seed, machine)
        case "files":
            return _play_files(plan, seed, machine)
        case "processes":
            return _play_several(lambda: play_workers(seed, machine, plan.length), seed)
        case "clusters":
            return _play_several(lambda: play_cluster(seed, machine), seed)
    is_v4 = (plan.api or ("v3", "v4")[seed % 2]) == "v4"
    plain = (history_v4_of if is_v4 else history_of)(seed, plan.length, plan.kills)
    history = with_hints(plain) if seed % EVERY_HINTED == 0 else plain
    try:
        return play_two_accounts(seed, machine) if not is_v4 and seed % EVERY == 0 else play(history, machine)
    except Broken as broken:
        return Failure(seed, str(broken), str(_shrunk(history, machine, plan.shrink)) if plan.shrink else "")
    except Exception:
        return Failure(seed, traceback.format_exc())


def _about(plan: Plan, seed: int) -> str | None:
    """What the history of a seed is about: what the plan says, or else what the seed chooses; None: runs."""
    if asked := [about for about in EVERY_OF if getattr(plan, about)]:
        return asked[0]
    return next((about for about, every in EVERY_OF.items() if plan.api is None and seed % every == 0), None)


def _play_outbox(plan: Plan, seed: int, machine: Machine) -> Totals | Failure:
    dice = Random(seed)
    kills = dice.random() < plan.kills
    one = play_outbox_killed if kills else play_outbox
    try:
        return (play_senders if dice.random() < SHARE_OF_SENDERS else one)(seed, machine, plan.length)
    except Exception as error:
        return Failure(seed, str(error) if isinstance(error, AssertionError) else traceback.format_exc())


def _play_several(play: Callable[[], Totals], seed: int) -> Totals | Failure:
    try:
        return play()
    except Exception as error:
        return Failure(seed, str(error) if isinstance(error, AssertionError) else traceback.format_exc())


def _play_files(plan: Plan, seed: int, machine: Machine) -> Totals | Failure:
    kills = Random(seed).random() < plan.kills
    try:
        return (play_files_killed if kills else play_files)(seed, machine, plan.length)
    except Exception as error:
        return Failure(seed, str(error) if isinstance(error, AssertionError) else traceback.format_exc())


def _shrunk(history: History | HistoryV4, machine: Machine, seconds: float) -> History | HistoryV4:
    """The history without the steps that are not needed to break it; the last ones are tried first."""
    end = time.monotonic() + seconds
    for place in reversed(range(len(history.steps))):
        if time.monotonic() > end:
            break
        shorter = history._replace(steps=history.steps[:place] + history.steps[place + 1 :])
        try:
            play(shorter, machine)
        except Broken:
            history = shorter
    return history


@contextmanager
def _machine() -> Iterator[Machine]:
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # killed clients are expected
    with server_folder() as folder, embedded_server(folder) as server:
        server.execute(f"CREATE DATABASE {TEMPLATE}")
        upgrade(server.url(TEMPLATE))
        with Machine(server, TEMPLATE) as machine:
            yield machine
