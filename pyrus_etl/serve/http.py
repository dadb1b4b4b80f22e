"""The paths that are served, and what they answer."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from pyrus_etl.errors import PyrusEtlError, SettingsError
from pyrus_etl.serve.answers import json_answer, text_answer
from pyrus_etl.serve.exposition import CONTENT_TYPE
from pyrus_etl.serve.looks import Shared, glance
from pyrus_etl.serve.metrics import metrics
from pyrus_etl.serve.readiness import Readiness, readiness_of_all
from pyrus_etl.settings import Quota, Secret

LONGEST_GLANCE = 8.0
"""Seconds. Prometheus gives up after ten."""


class Shown(NamedTuple):
    """What answers are made from. `quotas`: of each account, by the login of its runs; None shows all runs."""

    url: Secret
    quotas: Mapping[str | None, Quota]
    every: timedelta


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def routes(shown: Shown, webhooks: Mapping[str, int] | None = None) -> list[web.RouteDef]:
    """The paths for those who watch."""
    read = partial(readiness_of_all, logins=[*shown.quotas], every=shown.every)
    figures = partial(metrics, quotas=shown.quotas, webhooks=webhooks)
    ready = Shared(lambda: glance(shown.url, read, LONGEST_GLANCE))
    measured = Shared(lambda: glance(shown.url, figures, LONGEST_GLANCE))
    return [*shown_to_all(measured), web.get("/readyz", partial(_readyz, ready))]


def shown_to_all(measured: Shared[bytes]) -> list[web.RouteDef]:
    """The paths that every process has: whether it works, and its figures."""
    return [web.get("/healthz", _healthz), web.get("/metrics", partial(_metrics, measured))]


@asynccontextmanager
async def listening(paths: list[web.RouteDef], address: Address) -> AsyncIterator[Address]:
    """Serves the paths until the block ends; yields the address, with the port that was free if it was 0.

    Raises SettingsError if it cannot listen there.
    """
    app = web.Application()
    app.add_routes(paths)
    logging.getLogger("aiohttp.server").addFilter(_is_news)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=2.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingsError(f"--listen: cannot listen on {address}: {reason}; choose another address.") from error
        yield Address(address.host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _is_news(line: logging.LogRecord) -> bool:
    """Whether a line of the HTTP server is to be logged: not that somebody sent what is not HTTP, with a traceback."""
    return not (line.exc_info and isinstance(line.exc_info[1], HttpProcessingError))


async def _healthz(_: web.Request) -> web.Response:
    return json_answer({"status": "ok"})


async def _readyz(ready: Shared[Readiness], _: web.Request) -> web.Response:
    try:
        found = await ready()
    except PyrusEtlError as error:
        found = Readiness(False, str(error))
    return json_answer(found._asdict(), 200 if found.ready else 503)


async def _metrics(measured: Shared[bytes], _: web.Request) -> web.Response:
    try:
        return text_answer((await measured()).decode(), content_type=CONTENT_TYPE)
    except PyrusEtlError as error:
        return text_answer(f"{error}\n", 503)
