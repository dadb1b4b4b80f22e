"""The order for a run, and its outcome."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import msgspec

from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.model.window import Window
from pyrus_etl.postgres.store import Store
from pyrus_etl.settings import Settings, load_settings
from pyrus_etl.settings.retry import STANDARD
from pyrus_etl.sync.flow import LIMITS, Limits
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans import backfill, reconcile, sync
from pyrus_etl.sync.plans import retry as retries
from pyrus_etl.sync.progress import Progress
from pyrus_etl.sync.rebuild import rebuild_all
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
"""In addition, `period` is a backfill of the span of the order, and `rebuild` is the command `db rebuild`."""

WAITS = STANDARD._replace(requests=STANDARD.requests._replace(longest_pause=0.05))


class Order(msgspec.Struct):
    """A run to make.

    `requests`: its budget. `span`: the period of a backfill. The others are limits of the flow.
    """

    plan: str
    environment: dict[str, str]
    requests: int | None = None
    span: tuple[int | None, int | None] = (None, None)
    linger: float = LIMITS.linger
    largest_batch: int = LIMITS.batch
    most_in_flight: int = LIMITS.in_flight


class Outcome(msgspec.Struct):
    """The end of a run. `error`: the name of its error or of the signal that ended it, empty if it ended well.

    `amiss`: something that must never happen, a traceback or an error in the log.
    """

    error: str = ""
    message: str = ""
    status: str = ""
    amiss: str = ""
    exit_code: int = 0


async def carry_out(order: Order) -> Outcome:
    """Carries out the order."""
    plan = PLANS.get(order.plan) or backfill.backfill(Window(*order.span))
    settings = replace(load_settings({}, order.environment), waits=WAITS)
    limits = Limits(linger=order.linger, batch=order.largest_batch, in_flight=order.most_in_flight)
    try:
        if order.plan == "rebuild":
            return await _rebuilt(settings)
        return _outcome(await run(plan, settings, budget=Budget(order.requests), limits=limits, handles_signals=True))
    except Exception:
        return Outcome(amiss=traceback.format_exc())


async def _rebuilt(settings: Settings) -> Outcome:
    assert settings.database_url
    try:
        async with Store(settings.database_url, WAITS) as store, Store(settings.database_url, WAITS) as reader:
            await rebuild_all(store, reader, Progress())
    except PyrusEtlError as error:
        return Outcome(type(error).__name__, str(error), "failed", exit_code=error.exit_code)
    return Outcome(status="ok")


def _outcome(result: Result) -> Outcome:
    error = type(result.error).__name__ if result.error else ""
    return Outcome(error, str(result.error or ""), result.status, exit_code=result.exit_code)


class Errors(logging.Handler):
    """Collects logged errors, such as an exception of a task that was never retrieved."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record) + "\n")


@contextmanager
def errors_logged() -> Iterator[list[str]]:
    """Yields the errors logged within the block."""
    errors = Errors()
    logging.getLogger().addHandler(errors)
    try:
        yield errors.seen
    finally:
        logging.getLogger().removeHandler(errors)
