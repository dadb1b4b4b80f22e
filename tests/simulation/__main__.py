"""Plays histories with new seeds for a given time: `python -m tests.simulation --seconds 600`."""

import argparse
import os
import signal
import sys
from functools import partial

from tests.simulation.workers import Failure, Plan, play_many, play_one

ABOUT = {
    "files": "about files",
    "outbox": "about the outbox",
    "processes": "of runs with worker processes",
    "clusters": "of clusters",
}


def main() -> int:
    given = _arguments()
    _hash_alike()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    about = given.files, given.outbox, given.processes, given.clusters
    plan = Plan(given.length, given.kills, given.shrink, given.api, *about)
    if given.seed is None:
        played = play_many(plan, given.seconds, given.workers, partial(_show, given))
    else:
        played = play_one(plan, given.seed, partial(_show, given))
    print(f"\n{played}")
    return 1 if played.failures else 0


def _show(given: argparse.Namespace, failure: Failure) -> None:
    again = f"--seed {failure.seed} --length {given.length} --kills {given.kills:g}"
    again += f" --api {given.api}" if given.api else ""
    again += "".join(f" --{about}" for about in ABOUT if getattr(given, about))
    print(f"{failure}\n\nreplay it: python -m tests.simulation {again}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="time to play")
    parser.add_argument("--workers", type=int, default=2 * (os.cpu_count() or 1), help="histories played at a time")
    parser.add_argument("--seed", type=int, help="play only the history of this seed")
    parser.add_argument("--api", choices=("v3", "v4"), help="play only over this API; the seed chooses by default")
    for about, what in ABOUT.items():
        parser.add_argument(f"--{about}", action="store_true", help=f"play only histories {what}")
    parser.add_argument("--length", type=int, default=6, help="runs in a history")
    parser.add_argument("--kills", type=float, default=0.1, help="share of the histories whose runs are processes")
    parser.add_argument("--shrink", type=float, default=0, metavar="SECONDS", help="time to shorten a broken history")
    return parser.parse_args()


def _hash_alike() -> None:
    """Starts this program again, so that its sets of strings have the same order whenever it plays a seed."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})


if __name__ == "__main__":
    sys.exit(main())
