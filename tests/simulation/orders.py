"""The order for a run, and its outcome."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import msgspec

from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.extract.files.account import access_of
from pyrus_etl.extract.files.services import opened
from pyrus_etl.extract.files.streamed import streamed
from pyrus_etl.extract.files.uploads import uploaded
from pyrus_etl.load.files.contents import Chosen
from pyrus_etl.model.place import parse_file, parse_place
from pyrus_etl.model.window import Window
from pyrus_etl.postgres import store
from pyrus_etl.postgres.store import Store
from pyrus_etl.settings import Settings, load_settings
from pyrus_etl.settings.retry import STANDARD
from pyrus_etl.sync.flow import LIMITS, Limits
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans import backfill, reconcile, sync
from pyrus_etl.sync.plans import retry as retries
from pyrus_etl.sync.plans.download import download
from pyrus_etl.sync.plans.files import sync_files
from pyrus_etl.sync.plans.hints import hints, with_hints
from pyrus_etl.sync.plans.mirror import mirror
from pyrus_etl.sync.plans.push import push
from pyrus_etl.sync.plans.service_download import Wanted, download_from
from pyrus_etl.sync.progress import Progress
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import Budget, run
from pyrus_etl.sync.tasks.rebuild import rebuild_all

PLANS: dict[str, Plan] = {
    "backfill": backfill.backfill(),
    "restart": backfill.backfill(restart=True),
    "sync": sync.sync(),
    "reconcile": reconcile.reconcile(),
    "force": reconcile.reconcile(force=True),
    "retry": retries.retry(),
}
"""In addition, `period` is a backfill of the span of the order, `hints` fetches hinted tasks, and `rebuild` is the
command `db rebuild`.
"""

WAITS = STANDARD._replace(requests=STANDARD.requests._replace(longest_pause=0.05))
LINGER, BETWEEN_HINTS = 0.5, 0.2
"""Seconds that a run for hints waits for more, and between two looks for hints beside a run."""


class Order(msgspec.Struct):
    """A run to make.

    `requests`: its budget. `span`: the period of a backfill. `linger` and the next two are limits of the flow.
    `hinted`: hinted tasks are fetched beside it. `lease`: after how many seconds a
    frozen run knows that its lock may be gone. The others are for files: see `_plan_of`.
    """

    plan: str
    environment: dict[str, str]
    requests: int | None = None
    span: tuple[int | None, int | None] = (None, None)
    linger: float = LIMITS.linger
    largest_batch: int = LIMITS.batch
    most_in_flight: int = LIMITS.in_flight
    service: str = ""
    target: str = ""
    most_bytes: int | None = None
    copies: tuple[str, str] = ("", "")
    settle: float = WAITS.settle
    late: float = WAITS.late
    lease: float | None = None
    hinted: bool = False


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
    if order.lease:  # in a process of its own
        setattr(store, "LEASE_SECONDS", order.lease)  # noqa: B010 -- the store does not export it
    settings = replace(load_settings({}, order.environment), waits=WAITS._replace(settle=order.settle, late=order.late))
    limits = Limits(linger=order.linger, batch=order.largest_batch, in_flight=order.most_in_flight)
    try:
        if order.plan == "rebuild":
            return await _rebuilt(settings)
        if order.plan == "copy":
            return await _copied(order, settings)
        access = access_of(order.service, settings) if order.plan in ("files", "contents") else None
        plan, budget = _plan_of(order, settings), Budget(order.requests)
        async with _beside(plan, order) as plan:
            ended = await run(plan, settings, budget=budget, limits=limits, handles_signals=True, access=access)
        return _outcome(ended)
    except Exception:
        return Outcome(amiss=traceback.format_exc())


async def _rebuilt(settings: Settings) -> Outcome:
    assert settings.database_url
    try:
        url = settings.database_url
        async with Store(url, WAITS) as reader, Store(url, WAITS) as first, Store(url, WAITS) as second:
            await rebuild_all(reader, (first, second), Progress())
    except PyrusEtlError as error:
        return Outcome(type(error).__name__, str(error), "failed", exit_code=error.exit_code)
    return Outcome(status="ok")


def _plan_of(order: Order, settings: Settings) -> Plan:
    """The plan. For files: `download` and `contents` (of another service) go below the target; `files`, `mirror`."""
    match order.plan:
        case "hints":
            return hints(_set(asyncio.Event()), asyncio.Event(), LINGER)
        case "download":
            return download(order.target, Chosen(most_bytes=order.most_bytes))
        case "contents":
            wanted = Wanted(order.service, most_bytes=order.most_bytes)
            return download_from(wanted, f"{order.target}/{order.service}", may_create_parents=True)
        case "files":
            return sync_files()
        case "mirror":
            return mirror(order.service, settings)
        case "push":
            return push(order.target or None)
    return PLANS.get(order.plan) or backfill.backfill(Window(*order.span))


@asynccontextmanager
async def _beside(plan: Plan, order: Order) -> AsyncIterator[Plan]:
    """The plan, with hinted tasks beside it if the order says so. Webhooks may come at any time, so it looks often."""
    if not order.hinted:
        yield plan
        return
    arrived = _set(asyncio.Event())
    looking = asyncio.create_task(_often(arrived))
    try:
        yield with_hints(plan, arrived)
    finally:
        looking.cancel()


async def _often(arrived: asyncio.Event) -> None:
    while True:
        await asyncio.sleep(BETWEEN_HINTS)
        arrived.set()


def _set(event: asyncio.Event) -> asyncio.Event:
    event.set()
    return event


async def _copied(order: Order, settings: Settings) -> Outcome:
    """`files copy FROM TO`."""
    file, place = parse_file(order.copies[0], "FROM"), parse_place(order.copies[1], "TO")
    try:
        async with opened(file.service, settings) as source, opened(place.service, settings) as target:
            contents = streamed(source, await source.get(file.file_id))
            await uploaded(target, contents, place, settings.waits.settle)
    except PyrusEtlError as error:
        return Outcome(type(error).__name__, str(error), "failed", exit_code=error.exit_code)
    return Outcome(status="ok")


def _outcome(result: Result) -> Outcome:
    error = type(result.error).__name__ if result.error else ""
    return Outcome(error, str(result.error or ""), result.status, exit_code=result.exit_code)


class Errors(logging.Handler):
    """Collects logged errors, such as an exception of a task that was never retrieved, except those of some loggers."""

    def __init__(self, ignored: str) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []
        if ignored:
            self.addFilter(lambda record: not record.name.startswith(ignored))

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record) + "\n")


@contextmanager
def errors_logged(ignored: str = "") -> Iterator[list[str]]:
    """Yields the errors logged within the block. `ignored`: how the names of other loggers begin."""
    errors = Errors(ignored)
    logging.getLogger().addHandler(errors)
    try:
        yield errors.seen
    finally:
        logging.getLogger().removeHandler(errors)
