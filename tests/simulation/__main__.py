"""Plays histories with new seeds for a given time: `python -m tests.simulation --seconds 600`."""

import argparse
import logging
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import SystemRandom

from pyrus_etl.reports.migrate import upgrade
from tests.servers import Server, embedded_server, server_folder
from tests.simulation.history import History, history_of
from tests.simulation.invariants import Broken
from tests.simulation.play import play
from tests.simulation.runs import Launcher
from tests.simulation.totals import Totals

TEMPLATE = "template_pyrus"


def main() -> int:
    given = _arguments()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # killed clients are expected
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seeds = iter([given.seed] if given.seed is not None else _fresh(given.seconds))
    totals, failures = Totals(), list[int]()
    with _server() as server, Launcher() as runner, Launcher() as rival, suppress(KeyboardInterrupt):
        for seed in seeds:
            history = history_of(seed, given.length)
            try:
                totals.add(play(history, server, TEMPLATE, (runner, rival)))
            except Broken as broken:
                failures.append(seed)
                print(f"\nBROKEN with seed {seed}: {broken}", flush=True)
                print(f"\nreplay it: python -m tests.simulation --seed {seed} --length {given.length}", flush=True)
                if given.shrink:
                    shrunk = _shrunk(history, server, (runner, rival), given.shrink)
                    print(f"\nthe shortest history that still breaks:\n{shrunk}", flush=True)
    print(f"\n{totals}\nfailures: {len(failures)} {failures or ''}")
    return 1 if failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="time to play")
    parser.add_argument("--seed", type=int, help="play only the history of this seed")
    parser.add_argument("--length", type=int, default=8, help="runs in a history")
    parser.add_argument("--shrink", type=float, default=0, metavar="SECONDS", help="time to shorten a broken history")
    return parser.parse_args()


def _fresh(seconds: float) -> Iterator[int]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield SystemRandom().randrange(1 << 31)


@contextmanager
def _server() -> Iterator[Server]:
    with server_folder() as folder, embedded_server(folder) as server:
        server.execute(f"CREATE DATABASE {TEMPLATE}")
        upgrade(server.url(TEMPLATE))
        yield server


def _shrunk(history: History, server: Server, launchers: tuple[Launcher, Launcher], seconds: float) -> History:
    """The history without the steps that are not needed to break it; the last ones are tried first."""
    end = time.monotonic() + seconds
    for place in reversed(range(len(history.steps))):
        if time.monotonic() > end:
            break
        shorter = history._replace(steps=history.steps[:place] + history.steps[place + 1 :])
        try:
            play(shorter, server, TEMPLATE, launchers)
        except Broken:
            history = shorter
    return history


if __name__ == "__main__":
    sys.exit(main())
