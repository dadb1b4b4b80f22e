"""A database with a simulated organisation and a stopped clock; and a browser."""

from collections.abc import Iterator

import pytest

from pyrus_etl.postgres.connection import connect
from pyrus_etl.sandbox import World
from tests.conftest import _clone
from tests.page.browser import PROGRAM, Browser, browsing
from tests.reports.conftest import FETCHED, Reports, reports
from tests.servers import Server
from tests.services import need

__all__ = ["reports"]


@pytest.fixture(scope="module")
def organisation(postgresql_18: Server) -> Iterator[Reports]:
    """The reports over 400 tasks of an organisation, in a time zone that is not UTC."""
    world = World(seed=5, tasks=400, start=FETCHED)
    with _clone(postgresql_18) as database, connect(database) as connection:
        found = Reports(connection)
        found.load(*(world.task(task_id)["TaskWithNotes"] for task_id in world.task_ids()))
        connection.execute("UPDATE pyrus.report_settings SET time_zone = 'Asia/Kolkata'")
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a network; its complaints are cleared before each test."""
    need("chromium", PROGRAM)
    with browsing() as found:
        yield found
