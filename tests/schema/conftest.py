"""A database that a sync has filled and that has wide views: made once for each server, and cloned for each test."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.conftest import TEMPLATE, clone
from tests.runs import sync
from tests.servers import Server

SYNCED = "template_synced"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with forms, whose world no test changes."""
    with Sandbox(World(41, tasks=60)) as running:
        yield running


@pytest.fixture(scope="session")
def filled(sandbox: Sandbox) -> Callable[[Server], str]:
    """`filled(server)`: the template on this server with all tasks of the sandbox, and wide views of its forms."""

    @cache
    def template_on(server: Server) -> str:
        server.execute(f"CREATE DATABASE {SYNCED} TEMPLATE {TEMPLATE}")
        sync(sandbox, server.url(SYNCED))
        with connect(server.url(SYNCED)) as connection:
            refresh(connection)
        return SYNCED

    return template_on


@pytest.fixture
def synced(postgresql_18: Server, filled: Callable[[Server], str]) -> Iterator[Secret]:
    """A database of its own with all tasks of the sandbox, on PostgreSQL 18."""
    with clone(postgresql_18, filled(postgresql_18)) as url:
        yield url


@pytest.fixture
def synced_15(postgresql_15: Server, filled: Callable[[Server], str]) -> Iterator[Secret]:
    """The same on PostgreSQL 15."""
    with clone(postgresql_15, filled(postgresql_15)) as url:
        yield url
