"""The checks of `check`. The message of an error says how to fix it."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from typing import NamedTuple, TypeVar

from pyrus_etl.cli.options import read_settings
from pyrus_etl.client.client import Client
from pyrus_etl.errors import DatabaseUnavailable, WriteRefused
from pyrus_etl.extract.apis import Api, api_of
from pyrus_etl.extract.source import Source
from pyrus_etl.extract.writer import Writer
from pyrus_etl.load.sharing.quotas import may_lease
from pyrus_etl.load.tasks import rebuild, rules
from pyrus_etl.model.person import Profile
from pyrus_etl.model.task import Task
from pyrus_etl.model.write import TASK, Write
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.postgres.store import Store
from pyrus_etl.reports import definitions
from pyrus_etl.reports.settings import require_time_zone
from pyrus_etl.settings import Secret, Settings, Waits
from pyrus_etl.settings.privacy import Privacy
from pyrus_etl.sync.database import open_database
from pyrus_etl.sync.sharing.organization import refuse_another
from pyrus_etl.sync.sharing.quota import shared_quota

T = TypeVar("T")
FORBIDDEN = 403


class Context:
    """Results of earlier checks that later checks need. The checks named in `Check.needs` set them.

    `lender`: the database in which requests count for the quota; None if it cannot be used. `account_id`: after the
    login.
    """

    settings: Settings
    url: Secret

    def __init__(self, stack: ExitStack, lender: Secret | None = None) -> None:
        self.stack = stack
        self.lender = lender
        self.account_id: int | None = None


class Warned(Exception):
    """The check passed, but the user should know something."""


class Check(NamedTuple):
    """`run` returns a message, or raises Warned or PyrusEtlError. It runs only if the check named in `needs` passed."""

    title: str
    needs: str | None
    run: Callable[[Context], str]


def _settings(context: Context) -> str:
    context.settings = read_settings()
    quota = context.settings.quota
    found = f"; config file {os.path.abspath(config)}" if (config := context.settings.found_config) else ""
    names = ", ".join(account.name for account in context.settings.accounts)
    accounts = f", accounts {names}" if names else ""
    url = context.settings.accounts[0].url if names else context.settings.url
    return f"{url}, quota {quota.requests} requests per {quota.period:.0f} s{accounts}{found}"


def _database(context: Context) -> str:
    context.url = context.stack.enter_context(open_database(context.settings))
    with connect(context.url) as connection:
        version = connection.info.server_version
    kind = "" if context.settings.database_url else ", embedded"
    return f"PostgreSQL {version // 10000}.{version % 10000}{kind}"


def _schema(context: Context) -> str:
    with connect(context.url) as connection:
        require_schema(connection)
        context.lender = context.url
        wrong = definitions.differences(connection)
        advice = rebuild.advice(connection) or _rules_advice(connection, context.settings.privacy)
        if not wrong:
            require_time_zone(connection)
    if wrong:
        more = f" and {len(wrong) - 1} more" if wrong[1:] else ""
        raise Warned(f"at the expected revision, but {wrong[0]}{more}; run pyrus-etl db upgrade")
    if advice:
        raise Warned(f"at the expected revision, but {advice}")
    return "at the expected revision"


def _rules_advice(connection: Connection, privacy: Privacy) -> str | None:
    if rules.are_applied(connection, privacy.digest, is_needed=privacy.is_needed):
        return rules.key_advice(connection, privacy.key_check)
    return "stored rows follow other privacy rules; run pyrus-etl db rebuild"


def _login(context: Context) -> str:
    person = ask(context, partial(_profile, context))
    context.account_id = person.id
    return f"person {person.id}, {' '.join(filter(None, (person.first_name, person.last_name)))}"


async def _profile(context: Context, source: Source) -> Profile:
    """Who logs in, unless the database holds another organisation."""
    account = await source.profile()
    if context.lender:
        async with Store(context.lender, context.settings.waits) as store:
            await refuse_another(source, store, account)
    return account


def _list(context: Context) -> str:
    listed = ask(context, lambda source: source.sample())
    if not listed.tasks:
        raise Warned("the account sees no tasks; give the person or bot access to forms and projects in Pyrus")
    return f"{listed.tasks} tasks{' and more' if listed.has_more else ''}"


def _write(context: Context) -> str:
    """Asks for a task without a text, which Pyrus refuses from everybody: as incomplete, if the account may write."""
    if not context.settings.write:
        return "off: neither push nor files write to Pyrus"
    made = asyncio.run(_incomplete_task(context))
    if isinstance(made, Task):
        raise Warned(f"on; Pyrus took a task without a text, which this check asked for: delete task {made.id}")
    if made.status == FORBIDDEN:
        raise Warned(f"on, but the account may not write: {made}; give it the right in Pyrus, or use another account")
    return "on: the account may write; Pyrus decides about each row"


async def _incomplete_task(context: Context) -> Task | WriteRefused:
    async with _client(context) as (api, client):
        try:
            return await Writer(client, api.writes).send(Write(action=TASK), {}, lambda: None)
        except WriteRefused as error:
            return error


def ask(context: Context, question: Callable[[Source], Awaitable[T]]) -> T:
    """Asks Pyrus and returns the answer."""

    async def answer() -> T:
        async with _client(context) as (api, client):
            return await question(api.open(client))

    return asyncio.run(answer())


@asynccontextmanager
async def _client(context: Context) -> AsyncIterator[tuple[Api, Client]]:
    """The API and its client. Requests count for the quota of all processes, if the database can be written."""
    settings, api = context.settings, api_of(context.settings)
    client = api.client(settings)
    async with AsyncExitStack() as opened:
        if context.lender and (store := await _lender(context.lender, settings.waits, opened)):
            shared = shared_quota(store, client.pace, context.lender, settings.waits)
            quota = await opened.enter_async_context(shared)
            await quota.count(settings.login, context.account_id)
        await opened.enter_async_context(client)
        yield api, client


async def _lender(url: Secret, waits: Waits, opened: AsyncExitStack) -> Store | None:
    """The database, if leases may be written in it. What is wrong with it is the matter of other checks."""
    try:
        store = await opened.enter_async_context(Store(url, waits))
        return store if await store.query(may_lease) else None
    except DatabaseUnavailable:
        return None


CHECKS = (
    Check("settings", None, _settings),
    Check("database", "settings", _database),
    Check("schema", "database", _schema),
)
CHECKS_OF_ACCOUNT = (
    Check("login", "settings", _login),
    Check("list", "login", _list),
)
WRITE = Check("write", "login", _write)
"""Only if PYRUS_ETL_WRITE is set: most accounts only read."""
