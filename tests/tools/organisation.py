"""A database as it is after a day: an organisation, a first sync, changes, another sync, a census, the views."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyrus_etl.cli.demo.demo import settings_for
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.embedded import serving
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.reconcile import reconcile
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.run import run

A_DAY = timedelta(days=1)
CHANGES = 25


@contextmanager
def organisation(tasks: int) -> Iterator[Secret]:
    """The URL of an embedded database that has it."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "postgresql") as url:
        upgrade(url)
        fill(url, tasks)
        yield url


def fill(url: Secret, tasks: int) -> None:
    """Copies a new organisation into a database that has our schema and no rows."""
    world = World(51, tasks, start=datetime.now(UTC) - A_DAY)
    with Sandbox(world) as sandbox:
        _run(sync(), sandbox, url)
        activity = world.live(A_DAY.total_seconds(), CHANGES)
        world.delete(sorted(activity.touched)[0])
        _run(sync(), sandbox, url)
        _run(reconcile(), sandbox, url)
    with connect(url) as connection:
        refresh(connection)


def _run(plan: Plan, sandbox: Sandbox, url: Secret) -> None:
    result = asyncio.run(run(plan, settings_for(sandbox, url)))
    if result.error:
        raise result.error
