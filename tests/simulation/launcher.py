"""The program from which runs are forked: imports happen once, and a kill is a real kill.

For each order, a line of JSON on stdin, it forks, prints the child's pid, waits, and prints the outcome of the run.
"""

import asyncio
import logging
import os
import signal
import sys
import traceback
from dataclasses import replace

import msgspec

from pyrus_etl.extract.v3.windows import Window
from pyrus_etl.settings import load_settings
from pyrus_etl.settings.retry import STANDARD
from pyrus_etl.sync import pipeline
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans import backfill, reconcile, sync
from pyrus_etl.sync.plans import retry as retries
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import Budget, run

PLANS: dict[str, Plan] = {
    "backfill": backfill.backfill(),
    "restart": backfill.backfill(restart=True),
    "sync": sync.sync(),
    "reconcile": reconcile.reconcile(),
    "force": reconcile.reconcile(force=True),
    "retry": retries.retry(),
}
"""There is also `period`, a backfill of the order's span."""

WAITS = STANDARD._replace(requests=STANDARD.requests._replace(longest_pause=0.05))


class Order(msgspec.Struct):
    """A run to make.

    `requests`: its budget. `span`: the period of a backfill. The others replace constants of the code.
    """

    plan: str
    environment: dict[str, str]
    requests: int | None = None
    span: tuple[int | None, int | None] = (None, None)
    linger: float = pipeline.LINGER
    largest_batch: int = pipeline.LARGEST_BATCH
    most_in_flight: int = pipeline.MOST_IN_FLIGHT


class Outcome(msgspec.Struct):
    """The end of a run. `error`: the name of its error or of the signal that ended it, empty if it ended well.

    `amiss`: something that must never happen, a traceback or an error in the log.
    """

    error: str = ""
    message: str = ""
    status: str = ""
    amiss: str = ""
    requests: int = 0


def main() -> None:
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        receiving, sending = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(receiving)
            _live(order, sending)
        os.close(sending)
        _print(str(child).encode())
        with open(receiving, "rb") as pipe:
            outcome = pipe.read()
        _, ended = os.waitpid(child, 0)
        _print(outcome if outcome and not os.WIFSIGNALED(ended) else msgspec.json.encode(_without_outcome(ended)))


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _without_outcome(ended: int) -> Outcome:
    if os.WIFSIGNALED(ended):
        return Outcome(signal.Signals(os.WTERMSIG(ended)).name)
    return Outcome(amiss=f"the process ended with {os.waitstatus_to_exitcode(ended)} without an outcome")


def _live(order: Order, sending: int) -> None:
    """Runs in the child, and ends it."""
    try:
        os.write(sending, msgspec.json.encode(_conducted(order)))
    finally:
        os._exit(0)


def _conducted(order: Order) -> Outcome:
    pipeline.LINGER, pipeline.LARGEST_BATCH = order.linger, order.largest_batch
    pipeline.MOST_IN_FLIGHT = order.most_in_flight
    errors = _Errors()
    logging.getLogger().addHandler(errors)
    outcome = Outcome()
    plan = PLANS.get(order.plan) or backfill.backfill(Window(*order.span))
    try:
        settings = replace(load_settings({}, order.environment), waits=WAITS)
        result = asyncio.run(run(plan, settings, budget=Budget(order.requests), handles_signals=True))
        outcome = _outcome(result)
    except BaseException:
        outcome.amiss = traceback.format_exc()
    outcome.amiss += "".join(errors.seen)
    return outcome


def _outcome(result: Result) -> Outcome:
    error = type(result.error).__name__ if result.error else ""
    return Outcome(error, str(result.error or ""), result.status, requests=result.counts.requests)


class _Errors(logging.Handler):
    """Collects logged errors, such as an exception of a task that was never retrieved."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record) + "\n")


if __name__ == "__main__":
    main()
