"""`check`: one line for each check."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import click

from pyrus_etl.cli import access
from pyrus_etl.cli.checks import CHECKS, CHECKS_OF_ACCOUNT, WRITE, Check, Context, Warned, ask
from pyrus_etl.cli.options import account_option, json_option, with_settings
from pyrus_etl.cli.terminal.output import print_json
from pyrus_etl.errors import PyrusEtlError, SettingsError
from pyrus_etl.model.access import Access
from pyrus_etl.settings.account import Account

COLOURS = {"ok": "green", "failed": "red"}


class Result(NamedTuple):
    """How a check ended: `status` is ok, warning, failed or skipped."""

    check: str
    status: str
    message: str
    exit_code: int = 0
    access: Access | None = None


@click.command()
@json_option
@account_option
@with_settings()
def check(as_json: bool) -> int:
    """Check settings, database, schema, login and a list request.

    Prints one line for each check. If a check fails, its line says how to fix it. With API v4 further lines say what
    the account may see, and what a first sync takes; they ask twice for each form. Of several accounts, each is
    checked. With PYRUS_ETL_WRITE=on a line says whether the account may write: it asks for a task without a text, which
    Pyrus refuses. With --json, what failed is on stderr too.

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
        for result in results:
            if result.status == "failed":
                click.echo(f"pyrus-etl: {result.check}: {result.message}", err=True)
        print_json(_plain(results, seen, code))
    return code


def _plain(results: list[Result], seen: dict[str | None, dict[str, Any]], code: int) -> dict[str, Any]:
    """What --json prints; `seen`: what each account may see, by its name if there are several."""
    checks = [{"check": one.check, "status": one.status, "message": one.message} for one in results]
    access_seen = {"access": seen.get(None) or seen} if seen else {}
    return {"status": "failed" if code else "ok", "checks": checks, **access_seen, "exit_code": code}


def _accounts(context: Context, settings: Result) -> list[tuple[str | None, Account | None]]:
    """The accounts to check, each with its name if there are several."""
    accounts = () if settings.exit_code else context.settings.accounts
    if len(accounts) > 1:
        return [(account.name, account) for account in accounts]
    return [(None, account) for account in accounts] or [(None, None)]


def _of_account(context: Context, account: Account | None, settings: Result) -> Iterator[Result]:
    """The checks of an account."""
    own, earlier = Context(context.stack, context.lender), {"settings": settings}
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
        seen = ask(context, lambda source: source.access())
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
