"""A database with a simulated organisation and a stopped clock; and a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.page.assemble import page
from pyrus_etl.reports.page.figures import Figures, figures
from pyrus_etl.sandbox import World
from tests.conftest import clone
from tests.page.browser import PROGRAM, Browser, browsing
from tests.reports.conftest import FETCHED, Reports, reports
from tests.servers import Server
from tests.services import need

__all__ = ["reports"]


@pytest.fixture(scope="session")
def organisation(postgresql_18: Server) -> Iterator[Reports]:
    """The reports over 400 tasks of an organisation, in a time zone that is not UTC."""
    world = World(seed=5, tasks=400, start=FETCHED)
    with clone(postgresql_18) as database, connect(database) as connection:
        found = Reports(connection)
        found.load(*(world.task(task_id)["TaskWithNotes"] for task_id in world.task_ids()))
        connection.execute("UPDATE pyrus.report_settings SET time_zone = 'Asia/Kolkata'")
        yield found


@pytest.fixture(scope="session")
def computed(organisation: Reports) -> Figures:
    """The figures of the organisation."""
    return figures(organisation.connection)


@pytest.fixture(scope="session")
def path(computed: Figures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of its page."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page(computed), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser without a network; its complaints are cleared before each test."""
    need("chromium", PROGRAM)
    with browsing() as found:
        yield found
