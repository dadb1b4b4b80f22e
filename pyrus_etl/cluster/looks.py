"""A look at an organisation's database before a slice: may this version work on it, and what is due there?"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import NamedTuple, TypeVar

from pyrus_etl.background import in_background
from pyrus_etl.cluster.accounts import Account
from pyrus_etl.cluster.database import named_in_errors
from pyrus_etl.load.files.contents import has_new
from pyrus_etl.load.operation.alerts import known_accounts
from pyrus_etl.load.operation.due import LEAST_BETWEEN_CENSUSES, census_is_due
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.revision import require_schema, revision
from pyrus_etl.reports.refresh import refresh_if_due
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret

T = TypeVar("T")


class Seen(NamedTuple):
    """What a database shows. `account_id`: None before the first login. `has_files`: contents wait to be fetched."""

    revision: str | None
    account_id: int | None = None
    census_is_due: bool = False
    has_files: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether this version works on the database; workers of another version do so on others."""
        return self.revision in (None, REVISION)


async def look(url: Secret, account: Account, login: str | None) -> Seen:
    """Looks at the database of an account; `login`: as its runs have it. Raises DatabaseUnavailable."""
    return await _in_database(url, account, partial(_seen, login=login, every=account.reconcile_every))


async def refresh_reports(url: Secret, account: Account, *, everything: bool) -> None:
    """Refreshes the reports if a form or a catalog has changed; `everything`: materialised ones too."""
    await _in_database(url, account, partial(refresh_if_due, everything=everything))


async def _in_database(url: Secret, account: Account, work: Callable[[Connection], T]) -> T:
    """Does the work in a thread, which does not keep the process from ending."""

    def done() -> T:
        with named_in_errors(f"The database of {account.org}", account.database_url_ref), connect(url) as connection:
            return work(connection)

    return await asyncio.wrap_future(in_background(done, "look"))


def _seen(connection: Connection, login: str | None, every: timedelta) -> Seen:
    found = Seen(revision(connection))
    if not found.is_ours:
        return found
    require_schema(connection)
    least = min(every, LEAST_BETWEEN_CENSUSES).total_seconds()
    return Seen(
        found.revision,
        known_accounts(connection).get(login),
        census_is_due(connection, login, every.total_seconds(), least),
        has_new(connection),
    )
