"""`check`: one line for each thing that has to be right. A line that fails says what to do: the error itself does."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import NamedTuple, TypeVar

import click

from pyrus_etl.cli.options import database, json_option, settings, with_settings
from pyrus_etl.cli.output import print_json
from pyrus_etl.client.client import Client
from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.extract.v3.api import RestApi
from pyrus_etl.extract.v3.login import login
from pyrus_etl.extract.v3.windows import Window
from pyrus_etl.load import rebuild
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports.settings import require_time_zone
from pyrus_etl.reports.standing import are_of_this_version
from pyrus_etl.settings import Secret, Settings

T = TypeVar("T")

COLOURS = {"ok": "green", "failed": "red"}


class Found:
    """What earlier checks found for later ones: set by the check that finds it, before those that need it run."""

    settings: Settings
    url: Secret

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack


class Warned(Exception):
    """The check passed, but the user should know something."""


class Check(NamedTuple):
    """`run` returns what is right, or raises Warned or PyrusEtlError; it needs the check named in `needs` to pass."""

    title: str
    needs: str | None
    run: Callable[[Found], str]


class Result(NamedTuple):
    """How a check ended: `status` is ok, warning, failed or skipped."""

    check: str
    status: str
    message: str
    exit_code: int = 0


def _settings(found: Found) -> str:
    found.settings = settings()
    quota = found.settings.quota
    return f"{found.settings.url}, quota {quota.requests} per {quota.period:.0f} s"


def _database(found: Found) -> str:
    found.url = found.stack.enter_context(database(found.settings))
    with connect(found.url) as connection:
        version = connection.info.server_version
    kind = "" if found.settings.database_url else ", embedded"
    return f"PostgreSQL {version // 10000}.{version % 10000}{kind}"


def _schema(found: Found) -> str:
    with connect(found.url) as connection:
        require_schema(connection)
        current, advice = are_of_this_version(connection), rebuild.advice(connection)
        if current:
            require_time_zone(connection)
    if not current:
        raise Warned("at the expected revision, but the reports are of another version; run pyrus-etl db upgrade")
    if advice:
        raise Warned(f"at the expected revision, but {advice}")
    return "at the expected revision"


def _login(found: Found) -> str:
    person = _asked(found, lambda api: api.profile())
    return f"person {person.id}, {' '.join(filter(None, (person.first_name, person.last_name)))}"


def _list(found: Found) -> str:
    listed = _asked(found, lambda api: api.search(Window(), 10))
    if not listed.headers:
        raise Warned("the account sees no tasks; give the person or bot access to forms and projects in Pyrus")
    return f"{len(listed.headers)} tasks{' and more' if listed.has_more_tasks else ''}"


def _asked(found: Found, ask: Callable[[RestApi], Awaitable[T]]) -> T:
    """What Pyrus answers to one question."""

    async def answer() -> T:
        async with Client(found.settings, login) as http:
            return await ask(RestApi(http))

    return asyncio.run(answer())


CHECKS = (
    Check("settings", None, _settings),
    Check("database", "settings", _database),
    Check("schema", "database", _schema),
    Check("login", "settings", _login),
    Check("list", "login", _list),
)


@click.command()
@json_option
@with_settings()
def check(as_json: bool) -> int:
    """Settings, database, schema revision, login and one list call: one line each, with the remedy if one fails.

    \b
    Example:  pyrus-etl check
    """
    results: dict[str, Result] = {}
    with ExitStack() as stack:
        found = Found(stack)
        for each in CHECKS:
            results[each.title] = _result(each, found, results)
            if not as_json:
                _show(results[each.title])
    code = next((result.exit_code for result in results.values() if result.exit_code), 0)
    if as_json:
        plain = [{"check": one.check, "status": one.status, "message": one.message} for one in results.values()]
        print_json({"status": "failed" if code else "ok", "checks": plain})
    return code


def _result(check: Check, found: Found, earlier: dict[str, Result]) -> Result:
    needed = earlier.get(check.needs or "")
    if needed and needed.status == "skipped":
        return needed._replace(check=check.title)
    if needed and needed.status == "failed":
        return Result(check.title, "skipped", f"because the {needed.check} check failed")
    try:
        return Result(check.title, "ok", check.run(found))
    except Warned as warning:
        return Result(check.title, "warning", str(warning))
    except PyrusEtlError as error:
        return Result(check.title, "failed", " ".join(str(error).split()), error.exit_code)


def _show(result: Result) -> None:
    status = click.style(f"{result.status:8}", fg=COLOURS.get(result.status, "yellow"))
    click.echo(f"{status}{result.check:10}{result.message}")
