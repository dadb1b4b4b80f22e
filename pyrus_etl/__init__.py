"""Pyrus tasks, forms and approvals in PostgreSQL.

`backfill`, `sync`, `reconcile` and `push` carry out one run each, as the commands of the same names do, and return its
result; docs/python.md shows how to use them. They work in any thread, handle no signals, print nothing, and log to the
logger `pyrus_etl`. `pyrus_etl.aio` has the same functions for an event loop.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any, TypeVar

from pyrus_etl import errors

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import date

    from pyrus_etl import aio
    from pyrus_etl.settings import Quota, Secret, Settings, load_settings
    from pyrus_etl.sync.result import Result

__all__ = [
    "Quota",
    "Result",
    "Secret",
    "Settings",
    "aio",
    "backfill",
    "errors",
    "load_settings",
    "push",
    "reconcile",
    "sync",
]

T = TypeVar("T")

_MODULES = {
    "Quota": "pyrus_etl.settings",
    "Result": "pyrus_etl.sync.result",
    "Secret": "pyrus_etl.settings",
    "Settings": "pyrus_etl.settings",
    "load_settings": "pyrus_etl.settings",
}
"""What is imported when it is first used, so that `import pyrus_etl` takes no time."""

logging.getLogger(__name__).addHandler(logging.NullHandler())
importlib.import_module("pyrus_etl.sync")  # first, because this package would hide the function of its name


def __getattr__(name: str) -> Any:
    if name == "aio":
        return importlib.import_module("pyrus_etl.aio")
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def backfill(
    settings: Settings,
    *,
    start: date | None = None,
    end: date | None = None,
    restart: bool = False,
    account: str | None = None,
    max_requests: int | None = None,
    max_seconds: float | None = None,
) -> Result:
    """Fetches all tasks of a period, then catches up to now; see `pyrus_etl.aio.backfill`."""
    from pyrus_etl import aio

    return _wait_for(
        aio.backfill(
            settings,
            start=start,
            end=end,
            restart=restart,
            account=account,
            max_requests=max_requests,
            max_seconds=max_seconds,
        )
    )


def sync(
    settings: Settings,
    *,
    account: str | None = None,
    max_requests: int | None = None,
    max_seconds: float | None = None,
) -> Result:
    """Fetches what changed since the last run; on an empty database, everything; see `pyrus_etl.aio.sync`."""
    from pyrus_etl import aio

    return _wait_for(aio.sync(settings, account=account, max_requests=max_requests, max_seconds=max_seconds))


def reconcile(
    settings: Settings,
    *,
    max_deleted: float = 0.2,
    force: bool = False,
    account: str | None = None,
    max_requests: int | None = None,
    max_seconds: float | None = None,
) -> Result:
    """Compares what the account can see with what is stored; see `pyrus_etl.aio.reconcile`."""
    from pyrus_etl import aio

    return _wait_for(
        aio.reconcile(
            settings,
            max_deleted=max_deleted,
            force=force,
            account=account,
            max_requests=max_requests,
            max_seconds=max_seconds,
        )
    )


def push(
    settings: Settings,
    *,
    account: str | None = None,
    max_requests: int | None = None,
    max_seconds: float | None = None,
) -> Result:
    """Sends the waiting rows of pyrus.outbox, each exactly once; see `pyrus_etl.aio.push`."""
    from pyrus_etl import aio

    return _wait_for(aio.push(settings, account=account, max_requests=max_requests, max_seconds=max_seconds))


def _wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Carries out the work on an event loop of its own."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    work.close()
    raise RuntimeError("This thread already runs an event loop; await the function of the same name in pyrus_etl.aio.")
