"""What a run is asked to do, and how it ended."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

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


async def carry_out(order: Order) -> Outcome:
    """Makes the run."""
    plan = PLANS.get(order.plan) or backfill.backfill(Window(*order.span))
    settings = replace(load_settings({}, order.environment), waits=WAITS)
    try:
        return _outcome(await run(plan, settings, budget=Budget(order.requests), handles_signals=True))
    except Exception:
        return Outcome(amiss=traceback.format_exc())


def _outcome(result: Result) -> Outcome:
    error = type(result.error).__name__ if result.error else ""
    return Outcome(error, str(result.error or ""), result.status)


@contextmanager
def limits_of(order: Order) -> Iterator[None]:
    """The limits of an order in place of the code's."""
    with (
        patch.object(pipeline, "LINGER", order.linger),
        patch.object(pipeline, "LARGEST_BATCH", order.largest_batch),
        patch.object(pipeline, "MOST_IN_FLIGHT", order.most_in_flight),
    ):
        yield


class Errors(logging.Handler):
    """Collects logged errors, such as an exception of a task that was never retrieved."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record) + "\n")


@contextmanager
def errors_logged() -> Iterator[list[str]]:
    """The errors that are logged in the block."""
    errors = Errors()
    logging.getLogger().addHandler(errors)
    try:
        yield errors.seen
    finally:
        logging.getLogger().removeHandler(errors)
