"""The cluster's own database: a server of the user's, or one in the embedded server."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from pyrus_etl.background import in_background
from pyrus_etl.cluster.schema import require
from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection, Session, connect
from pyrus_etl.postgres.lease import briefly
from pyrus_etl.settings import Secret, Settings

P = ParamSpec("P")
T = TypeVar("T")

SETTING = "PYRUS_ETL_CLUSTER_URL"
DATABASE = "pyrus_cluster"
"""Its name in the embedded server."""
WITHIN = 10.0
"""Seconds to connect."""


@contextmanager
def open_cluster(settings: Settings) -> Iterator[Secret]:
    """Yields the URL of the cluster's database; without PYRUS_ETL_CLUSTER_URL, the embedded server runs meanwhile."""
    if settings.cluster_url:
        from pyrus_etl.postgres.conninfo import keep_host

        keep_host(settings.cluster_url)
        yield settings.cluster_url
        return
    from pyrus_etl.postgres.embedded import serving

    with serving(database=DATABASE) as url:
        yield url


@contextmanager
def connected(url: Secret) -> Iterator[Session]:
    """A connection to the cluster's database; raises DatabaseUnavailable, which names the setting."""
    with named_in_errors("The cluster's database", SETTING), connect(url, WITHIN) as connection:
        yield connection


@contextmanager
def named_in_errors(database: str, source: str) -> Iterator[None]:
    """Says in errors of the block which database failed, and where its URL comes from."""
    try:
        yield
    except DatabaseUnavailable as error:
        message = re.sub(r"^The database(?! role)", database, str(error)).replace("DATABASE_URL", source)
        named = message if message.startswith(database) else f"{database}: {message}"
        raise DatabaseUnavailable(named, is_lost=error.is_lost) from error


def transact(url: Secret, work: Callable[Concatenate[Connection, P], T], *args: P.args, **options: P.kwargs) -> T:
    """Runs `work(connection, …)` in a transaction of the cluster's database, which must be at our revision."""
    with connected(url) as connection, connection.transaction():
        briefly(connection, wait="5s")
        require(connection)
        return work(connection, *args, **options)


async def in_cluster(
    url: Secret, work: Callable[Concatenate[Connection, P], T], *args: P.args, **options: P.kwargs
) -> T:
    """Does the same in a thread, which does not keep the process from ending."""
    return await asyncio.wrap_future(in_background(lambda: transact(url, work, *args, **options), "cluster"))
