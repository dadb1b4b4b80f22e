"""A worker: a process that fetches and commits tasks for a run of `--workers N`.

It works under the lock of the run, and commits only tasks that the run has still claimed. It ends with the run, however
that ends.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from functools import partial
from io import FileIO, RawIOBase
from operator import attrgetter
from typing import Any

from pyrus_etl.client.client import Client
from pyrus_etl.errors import BudgetSpent, ClaimsLost, PyrusEtlError
from pyrus_etl.extract.apis import access_of
from pyrus_etl.postgres.store import Store
from pyrus_etl.run_id import under_way
from pyrus_etl.schema.counts import Counts
from pyrus_etl.sync.flow import LIMITS, Work, flow
from pyrus_etl.sync.run import prepared
from pyrus_etl.sync.session import Session
from pyrus_etl.sync.sharing.parts import Committed, Failed, Given, Logged, Part, Stop, packed, read_from
from pyrus_etl.sync.sharing.quota import shared_quota
from pyrus_etl.sync.stop import Stop as Asked
from pyrus_etl.sync.tasks.commit import commit
from pyrus_etl.sync.tasks.ledger import Ledger
from pyrus_etl.sync.tasks.pipeline import fetch_one
from pyrus_etl.sync.tasks.task import Arrival, Wanted

Tell = Callable[[object], None]


class ReportingLedger(Ledger):
    """The ledger of a worker; it reports to the run what was committed."""

    def __init__(self, tell: Tell, client: Client) -> None:
        super().__init__()
        self._tell, self._client = tell, client
        self._reported = Counts()

    def commit(self, arrivals: Iterable[Arrival], counted: Counts) -> None:
        arrived = list(arrivals)
        super().commit(arrived, counted)
        sent = Counts(requests=self._client.requests, retries=self._client.retries)
        new = Counts(requests=sent.requests - self._reported.requests, retries=sent.retries - self._reported.retries)
        self._reported = sent
        outcomes = [(*each.outcome, _date_of(each)) for each in arrived if each.outcome]
        self._tell(Committed(outcomes, counted + new))


def _date_of(arrival: Arrival) -> datetime | None:
    return arrival.load.modified_date if arrival.load else None


async def work(given: Given, parts: "asyncio.Queue[Part | Stop]", tell: Tell) -> None:
    """Fetches and commits parts until it is stopped; raises PyrusEtlError."""
    settings, waits = given.settings, given.settings.waits
    assert settings.database_url
    access, asked = access_of(settings), Asked()
    client = access.client()
    client.go_on(given.logged_in)
    url = settings.database_url
    async with Store(url, waits) as store, shared_quota(store, client.pace, url, waits) as quota, client:
        await quota.take_up_as(given.account_id)
        session = Session(
            given.run_id,
            access.open(client),
            store,
            client.pace,
            quota,
            access.login,
            account_id=given.account_id,
            waits=waits,
            api=access.api,
            shares=True,
            is_worker=True,
        )
        ledger = ReportingLedger(tell, client)
        limits = LIMITS._replace(fetchers=client.concurrency)
        run = await prepared(session, ledger, asked, settings, limits)
        steps = Work(
            choose=_wanted(parts, ledger, asked),
            fetch=partial(fetch_one, run=run),
            load=partial(commit, run=run),
            size=attrgetter("size"),
            last=BudgetSpent,
        )
        await flow(steps, limits, asked.asked)


async def _wanted(parts: "asyncio.Queue[Part | Stop]", ledger: Ledger, asked: Asked) -> AsyncIterator[Wanted]:
    while isinstance(part := await parts.get(), Part):
        ledger.adopt(part.wanted, part.rejected)
        for each in part.wanted:
            yield each
    asked.asked.set()


class _ToRun(logging.Handler):
    """Passes log lines to the run, which writes them."""

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(Logged(record.name, record.levelno, record.getMessage()))


def main() -> None:
    """Begins when the run says with what; stops at its word, and at once if it is gone. Signals are for the run."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    lock, answers = threading.Lock(), sys.stdout.buffer
    heard = FileIO(sys.stdin.fileno(), closefd=False)  # without a buffer, whose lock would be held at the end

    def tell(message: object) -> None:
        with lock:
            answers.write(packed(message))
            answers.flush()

    given: Given = read_from(heard)
    logging.basicConfig(level=given.log_level, handlers=[_ToRun(tell)])
    try:
        with under_way(given.run_id):
            asyncio.run(_listening(given, heard, tell))
    except ClaimsLost:
        sys.exit(ClaimsLost.exit_code)
    except PyrusEtlError as error:
        tell(Failed(error))


async def _listening(given: Given, heard: RawIOBase, tell: Tell) -> None:
    """Works on what the run sends."""
    parts: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def hear() -> None:
        while (message := read_from(heard)) is not None:
            loop.call_soon_threadsafe(parts.put_nowait, message)
        os._exit(1)  # the run is gone

    threading.Thread(target=hear, daemon=True).start()
    await work(given, parts, tell)


if __name__ == "__main__":
    main()
