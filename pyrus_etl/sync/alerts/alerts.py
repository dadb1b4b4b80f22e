"""Alerts: tells PYRUS_ETL_ALERT_URL once when runs begin to fail, when all is well again, and when data are stale.

An event is written to sync_alerts before it is sent, and marked when it was taken. So no event is lost, and it is sent
twice only if the process dies, or loses the database or the answer, between the two: the copies have the same id. They
are sent in their order, also by another process. Nothing here fails a run or delays it by more than seconds.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg

from pyrus_etl.background import in_background
from pyrus_etl.client.network.exchange import Exchange, Served
from pyrus_etl.client.request import Request
from pyrus_etl.errors import DatabaseUnavailable, PyrusEtlError, PyrusUnreachable
from pyrus_etl.load.operation import alerts
from pyrus_etl.load.operation.alerts import Alert
from pyrus_etl.load.operation.freshness import last_good_runs
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.lease import briefly
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.sync.alerts import away
from pyrus_etl.sync.alerts.events import any_failing, due
from pyrus_etl.sync.result import Result

log = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST = 5.0
"""Seconds to note and send; twice for a run, which looks before and after."""
SETTING = "PYRUS_ETL_ALERT_URL"


async def alerted(settings: Settings, login: str | None, running: Coroutine[Any, Any, Result]) -> Result:
    """Carries out a run; sends beside it what other processes left, as one that was killed, and then what it has shown.

    What is stale is decided only then, because this run may renew it.
    """
    if settings.alert_url is None:
        return await running
    before = asyncio.create_task(raise_alerts(settings, None, log_level=logging.DEBUG))
    try:
        result = await running
    except BaseException:
        await before
        await raise_alerts(settings, None)
        raise
    await before
    is_away = isinstance(result.error, DatabaseUnavailable)
    level = logging.DEBUG if is_away else logging.WARNING
    if not await raise_alerts(settings, settings.stale_after, level) and is_away:
        await _say_away(settings, settings.alert_url, result, login)
    return result


async def raise_alerts(settings: Settings, stale_after: timedelta | None, log_level: int = logging.WARNING) -> bool:
    """Notes the events that are due, and sends all that are not sent; without PYRUS_ETL_ALERT_URL it does nothing.

    `stale_after`: None leaves stale data alone. Returns whether the events could be noted. Raises nothing; if an event
    could not be sent, it logs why.
    """
    url, noted = settings.alert_url, False
    if url is None or settings.database_url is None:
        return False
    async with _briefly(log_level):
        note = partial(_note, url=settings.database_url, stale_after=stale_after)
        file, runs_fail = await _in_database(settings, note)
        noted = True
        if runs_fail and (file := away.note_file(settings.database_url)):
            away.keep(file, None)
        elif file:
            file.unlink(missing_ok=True)
        await _send_all(settings, url)
    return noted


async def _say_away(settings: Settings, url: Secret, result: Result, login: str | None) -> None:
    """Sends that runs fail because the database is away, unless an earlier run did."""
    file = away.note_file(settings.database_url) if settings.database_url else None
    if file and file.exists():
        return
    async with _briefly(logging.WARNING):
        alert = away.alert_of(result, login)
        await _post(settings, url, alert)
        if file:
            away.keep(file, alert)


async def send_alert(settings: Settings, alert: Alert) -> None:
    """Sends an alert that is about no run, once; without PYRUS_ETL_ALERT_URL it does nothing. Raises nothing."""
    if settings.alert_url:
        async with _briefly(logging.WARNING):
            await _post(settings, settings.alert_url, alert)


@asynccontextmanager
async def _briefly(log_level: int) -> AsyncIterator[None]:
    """Ends the block after `LONGEST`, and logs what ends it early: it must not fail the run."""
    try:
        async with asyncio.timeout(LONGEST):
            yield
    except TimeoutError:
        log.log(log_level, "%s: alerts were not sent in %g seconds; the next run tries again", SETTING, LONGEST)
    except (PyrusEtlError, psycopg.Error) as error:
        log.log(log_level, "%s: alerts were not sent, the next run tries again: %s", SETTING, error)
    except Exception as error:  # a bug; its message may show the URL
        log.warning("%s: alerts were not sent: internal error (%s)", SETTING, type(error).__name__)


def _note(connection: Connection, url: Secret, stale_after: timedelta | None) -> tuple[Path | None, bool]:
    """Notes events; returns the file that noted one while the database was away, and whether runs are known to fail."""
    alerts.one_at_a_time(connection)
    file = away.move_to_database(connection, url)
    known = alerts.known_accounts(connection)  # once: a run may log in meanwhile
    runs, past = alerts.ended_runs(connection, known), alerts.past_alerts(connection, known)
    last_good = last_good_runs(connection) if stale_after is not None else []
    ((now,),) = connection.execute("SELECT clock_timestamp()").fetchall()
    alerts.add_alerts(connection, due(runs, past, now, last_good, stale_after or timedelta.max))
    return file, any_failing(alerts.past_alerts(connection, known))


async def _send_all(settings: Settings, url: Secret) -> None:
    while alert := await _in_database(settings, alerts.claim):
        try:
            await _post(settings, url, alert)
        except PyrusEtlError:
            await _in_database(settings, partial(alerts.give_back, alert=alert))
            raise
        await _in_database(settings, partial(alerts.note_sent, alert=alert))


async def _post(settings: Settings, url: Secret, alert: Alert) -> None:
    """Sends an alert; raises PyrusUnreachable unless the answer has a status of success. No message shows the path."""
    parts = urlsplit(url.reveal())
    origin = f"{parts.scheme}://{parts.netloc}"
    path = url.reveal().partition(origin)[2].partition("#")[0]
    request: Request[Any] = Request("POST", path if path.startswith("/") else f"/{path}", bytes, json=as_json(alert))
    async with Exchange(replace(settings, url=origin), SETTING) as exchange:
        served = await exchange.send(request, {})
    if not isinstance(served, Served):
        raise PyrusUnreachable(str(served))
    if not 200 <= served.status < 300:
        raise PyrusUnreachable(f"{parts.hostname} answers {served.status}; check {SETTING}.")


def as_json(alert: Alert) -> dict[str, Any]:
    """What is sent."""
    return {
        "event": alert.event,
        "at": alert.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "run_id": str(alert.run_id),
        "error": alert.error,
        "kind": alert.kind,
        "account_id": alert.account_id,
        "alert_id": str(alert.alert_id),
    }


async def _in_database(settings: Settings, work: Callable[[Connection], T]) -> T:
    """Does the work in a transaction, in a thread that does not keep the process from ending."""
    assert settings.database_url is not None
    url, within = settings.database_url, min(LONGEST, settings.waits.connect_database)

    def done() -> T:
        with connect(url, within) as connection, connection.transaction():
            briefly(connection, wait="3s")
            return work(connection)

    return await asyncio.wrap_future(in_background(done, "alerts"))
