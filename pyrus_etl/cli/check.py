"""`check`: one line for each check. The message of an error says how to fix it."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple, TypeVar

import click

from pyrus_etl.cli import access
from pyrus_etl.cli.options import account_option, json_option, read_settings, with_settings
from pyrus_etl.cli.output import print_json
from pyrus_etl.errors import PyrusEtlError, SettingsError, WriteRefused
from pyrus_etl.extract.apis import api_of
from pyrus_etl.extract.source import Source
from pyrus_etl.extract.writer import Writer
from pyrus_etl.load import rebuild, rules
from pyrus_etl.model.access import Access
from pyrus_etl.model.task import Task
from pyrus_etl.model.write import TASK, Write
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports import definitions
from pyrus_etl.reports.settings import require_time_zone
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.settings.account import Account
from pyrus_etl.settings.privacy import Privacy
from pyrus_etl.sync.database import open_database

T = TypeVar("T")

FORBIDDEN = 403
COLOURS = {"ok": "green", "failed": "red"}


class Context:
    """Results of earlier checks that later checks need. The checks named in `Check.needs` set them."""

    settings: Settings
    url: Secret

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack


class Warned(Exception):
    """The check passed, but the user should know something."""


class Check(NamedTuple):
    """`run` returns a message, or raises Warned or PyrusEtlError. It runs only if the check named in `needs` passed."""

    title: str
    needs: str | None
    run: Callable[[Context], str]


class Result(NamedTuple):
    """How a check ended: `status` is ok, warning, failed or skipped."""

    check: str
    status: str
    message: str
    exit_code: int = 0
    access: Access | None = None


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
    person = _ask(context, lambda source: source.profile())
    return f"person {person.id}, {' '.join(filter(None, (person.first_name, person.last_name)))}"


def _list(context: Context) -> str:
    listed = _ask(context, lambda source: source.sample())
    if not listed.tasks:
        raise Warned("the account sees no tasks; give the person or bot access to forms and projects in Pyrus")
    return f"{listed.tasks} tasks{' and more' if listed.has_more else ''}"


def _write(context: Context) -> str:
    """Asks for a task without a text, which Pyrus refuses from everybody: as incomplete, if the account may write."""
    if not context.settings.write:
        return "off: neither push nor files write to Pyrus"
    made = asyncio.run(_incomplete_task(context.settings))
    if isinstance(made, Task):
        raise Warned(f"on; Pyrus took a task without a text, which this check asked for: delete task {made.id}")
    if made.status == FORBIDDEN:
        raise Warned(f"on, but the account may not write: {made}; give it the right in Pyrus, or use another account")
    return "on: the account may write; Pyrus decides about each row"


async def _incomplete_task(settings: Settings) -> Task | WriteRefused:
    api = api_of(settings)
    async with api.client(settings) as client:
        try:
            return await Writer(client, api.writes).send(Write(action=TASK), {}, lambda: None)
        except WriteRefused as error:
            return error


def _ask(context: Context, ask: Callable[[Source], Awaitable[T]]) -> T:
    """Sends one request to Pyrus and returns the answer."""

    async def answer() -> T:
        api = api_of(context.settings)
        async with api.client(context.settings) as client:
            return await ask(api.open(client))

    return asyncio.run(answer())


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


@click.command()
@json_option
@account_option
@with_settings()
def check(as_json: bool) -> int:
    """Check settings, database, schema, login and a list request.

    Prints one line for each check. If a check fails, its line says how to fix it. With API v4 further lines say what
    the account may see, and what a first sync takes; they ask twice for each form. Of several accounts, each is
    checked. With PYRUS_ETL_WRITE=on a line says whether the account may write: it asks for a task without a text, which
    Pyrus refuses.

    \b
    Example:  pyrus-etl check
    """
    results: list[Result] = []
    seen: dict[str | None, dict[str, Any]] = {}

    def note(result: Result, name: str | None = None) -> None:
        results.append(result._replace(check=f"{result.check} {name}") if name else result)
        if not as_json:
            _show(results[-1])
        if result.access and name not in seen:
            seen[name] = access.details(result.access)

    with ExitStack() as stack:
        context = Context(stack)
        earlier: dict[str, Result] = {}
        for each in CHECKS:
            earlier[each.title] = _result(each, context, earlier)
            note(earlier[each.title])
        for name, own in _accounts(context, earlier["settings"]):
            for result in _of_account(context, own, earlier["settings"]):
                note(result, name)
    code = next((result.exit_code for result in results if result.exit_code), 0)
    if as_json:
        plain = [{"check": one.check, "status": one.status, "message": one.message} for one in results]
        shown: dict[str, Any] = {"status": "failed" if code else "ok", "checks": plain}
        if seen:
            shown["access"] = seen.get(None) or seen
        print_json(shown | {"exit_code": code})
    return code


def _accounts(context: Context, settings: Result) -> list[tuple[str | None, Account | None]]:
    """The accounts to check, each with its name if there are several."""
    accounts = () if settings.exit_code else context.settings.accounts
    if len(accounts) > 1:
        return [(account.name, account) for account in accounts]
    return [(None, account) for account in accounts] or [(None, None)]


def _of_account(context: Context, account: Account | None, settings: Result) -> Iterator[Result]:
    """The checks of an account."""
    own, earlier = Context(context.stack), {"settings": settings}
    if not settings.exit_code:
        try:
            own.settings = context.settings.of(account) if account else context.settings
        except SettingsError as error:
            yield Result("login", "failed", str(error), error.exit_code)
            return
    for each in CHECKS_OF_ACCOUNT:
        earlier[each.title] = _result(each, own, earlier)
        yield earlier[each.title]
    if not settings.exit_code and own.settings.write is not None:
        yield _result(WRITE, own, earlier)
    yield from _access(own, earlier["list"])


def _access(context: Context, listed: Result) -> Iterator[Result]:
    """What the account may see, a line each, if the list could be read and the API tells."""
    if listed.exit_code or listed.status == "skipped":
        return
    try:
        seen = _ask(context, lambda source: source.access())
    except PyrusEtlError as error:
        yield Result("rights", "failed", " ".join(str(error).split()), error.exit_code)
        return
    for title, line in access.lines(seen, context.settings.quota) if seen else ():
        yield Result(title, "warning" if line.is_warning else "ok", line.text, access=seen)


def _result(check: Check, context: Context, earlier: dict[str, Result]) -> Result:
    needed = earlier.get(check.needs or "")
    if needed and needed.status == "skipped":
        return needed._replace(check=check.title)
    if needed and needed.status == "failed":
        return Result(check.title, "skipped", f"because the {needed.check} check failed")
    try:
        return Result(check.title, "ok", check.run(context))
    except Warned as warning:
        return Result(check.title, "warning", str(warning))
    except PyrusEtlError as error:
        return Result(check.title, "failed", " ".join(str(error).split()), error.exit_code)


def _show(result: Result) -> None:
    status = click.style(f"{result.status:8}", fg=COLOURS.get(result.status, "yellow"))
    click.echo(f"{status}{result.check:10}{' ' * (len(result.check) > 9)}{result.message}")
