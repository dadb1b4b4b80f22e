"""`check`: one line a thing that has to be right, with the remedy where it is not."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

import click

from pyrus_etl.cli.options import database, json_option, settings, with_settings
from pyrus_etl.cli.output import print_json
from pyrus_etl.errors import DatabaseUnavailable, PyrusEtlError
from pyrus_etl.extract.http import Http
from pyrus_etl.extract.restapi import RestApi
from pyrus_etl.extract.windows import Window
from pyrus_etl.load.connection import connect, require_schema
from pyrus_etl.load.views import are_of_this_version
from pyrus_etl.settings import Secret, Settings


@dataclass
class Context:
    """What the checks find out for those after them."""

    stack: ExitStack
    settings: Settings | None = None
    url: Secret | None = None

    @property
    def found(self) -> Settings:
        if self.settings is None:
            raise SkippedCheck
        return self.settings

    @property
    def database(self) -> Secret:
        if self.url is None:
            raise SkippedCheck
        return self.url


class SkippedCheck(Exception):
    """What the check needs was not right."""


class Check(NamedTuple):
    """A check: `does` returns what is right, or raises what is wrong."""

    title: str
    hint: str
    does: Callable[[Context], str]


@dataclass
class Result:
    """What came of a check."""

    check: str
    status: str
    message: str
    exit_code: int = field(default=0)


CHECKS: list[Check] = []


def checks(title: str, hint: str) -> Callable[[Callable[[Context], str]], Callable[[Context], str]]:
    """Registers a check, in the order in which they are made."""

    def register(does: Callable[[Context], str]) -> Callable[[Context], str]:
        CHECKS.append(Check(title, hint, does))
        return does

    return register


@checks("settings", "Mend the setting that is named; config/pyrus_etl.toml lists them all.")
def _settings(context: Context) -> str:
    context.settings = settings()
    return f"{context.settings.url}, quota {context.settings.quota.requests} per {context.settings.quota.period:.0f} s"


@checks("database", "See that the server runs and that DATABASE_URL names it, or unset it for the embedded one.")
def _database(context: Context) -> str:
    context.url = context.stack.enter_context(database(context.found))
    with connect(context.url) as connection:
        version = connection.info.server_version
    kind = "" if context.found.database_url else ", embedded"
    return f"PostgreSQL {version // 10000}.{version % 10000}{kind}"


@checks("schema", "Run pyrus-etl db upgrade.")
def _schema(context: Context) -> str:
    with connect(context.database) as connection:
        require_schema(connection)
        reports = (
            "" if are_of_this_version(connection) else "; the reports are older or newer: run pyrus-etl db upgrade"
        )
    return f"at the expected revision{reports}"


@checks("login", "Set PYRUS_LOGIN, PYRUS_SECURITY_KEY and PYRUS_CLIENT_ID; the README says where to get them.")
def _login(context: Context) -> str:
    async def profile() -> str:
        async with Http(context.found) as http:
            person = await RestApi(http).profile()
            return f"person {person.id}, {' '.join(filter(None, (person.first_name, person.last_name)))}"

    return asyncio.run(profile())


@checks("list", "The account may see no tasks: give the person or bot access to forms and projects.")
def _list(context: Context) -> str:
    async def listed() -> str:
        async with Http(context.found) as http:
            answer = await RestApi(http).search(Window(), 10)
            return f"{len(answer.headers)} tasks{' and more' if answer.has_more_tasks else ''}"

    return asyncio.run(listed())


@click.command()
@json_option
@with_settings()
def check(as_json: bool) -> int:
    """Settings, database, schema revision, login and one list call: a line each, with the remedy where one fails.

    \b
    Example:  pyrus-etl check
    """
    results: list[Result] = []
    with ExitStack() as stack:
        context = Context(stack)
        for each in CHECKS:
            results.append(_made(each, context))
            if not as_json:
                _show(each, results[-1])
    failed = next((result.exit_code for result in results if result.exit_code), 0)
    if as_json:
        plain = [{"check": one.check, "status": one.status, "message": one.message} for one in results]
        print_json({"status": "failed" if failed else "ok", "checks": plain})
    return failed


def _made(each: Check, context: Context) -> Result:
    try:
        return Result(each.title, "ok", each.does(context))
    except SkippedCheck:
        return Result(each.title, "skipped", "what it needs is not right yet")
    except PyrusEtlError as error:
        return Result(each.title, "failed", str(error), error.exit_code or DatabaseUnavailable.exit_code)


def _show(each: Check, result: Result) -> None:
    colour = {"ok": "green", "failed": "red"}.get(result.status, "yellow")
    click.echo(f"{click.style(f'{result.status:8}', fg=colour)}{result.check:10}{result.message}")
    if result.status == "failed":
        click.echo(f"{'':18}→ {each.hint}")
