"""Carries out a plan for a command: shows its progress, prints its result, and keeps quiet if it is asked to."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from pyrus_etl.cli.interpreter import suit_many_rows
from pyrus_etl.cli.options import json_option, quiet_option
from pyrus_etl.cli.runs.side_by_side import SECONDS_BETWEEN_TRIES, all_carried_out, worst
from pyrus_etl.cli.terminal.figures_file import figures_file_option, write_figures
from pyrus_etl.cli.terminal.output import print_json, print_result, show_held_back, summary
from pyrus_etl.cli.terminal.progress import progress_shown
from pyrus_etl.errors import LockHeld, PyrusEtlError, SettingsError
from pyrus_etl.extract.source import AccountAccess
from pyrus_etl.postgres.folders import data_folder
from pyrus_etl.settings import Settings, parse_duration
from pyrus_etl.sync.database import open_database
from pyrus_etl.sync.flow import LIMITS
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run

log = logging.getLogger(__name__)

MOST_WORKERS = 64

Command = Callable[..., int]


class RunOptions(NamedTuple):
    """The options of a command that carries out a plan. `patience`: seconds to wait for another run's lock.

    `workers`: processes that fetch and store."""

    budget: Budget = NO_LIMIT
    as_json: bool = False
    is_quiet: bool = False
    figures: Path | None = None
    patience: float = 0.0
    workers: int = 1

    def has_to_show(self, code: int) -> bool:
        """Whether to print what a run says in text; with --quiet, only if something is wrong. A held lock is not."""
        return not self.is_quiet or code not in (0, LockHeld.exit_code)


class Ran(NamedTuple):
    """A run that ended, and the settings of its account. `account`: its name, if there are several."""

    settings: Settings
    result: Result
    account: str | None = None


class Further(NamedTuple):
    """What came after the runs: more for the object in JSON, and an exit code; `of_each`: more for each account."""

    shown: dict[str, Any]
    exit_code: int = 0
    of_each: Sequence[dict[str, Any]] = ()


Then = Callable[[Sequence[Ran], RunOptions], Further]


def nothing_further(*_: object) -> Further:
    return Further({})


def run_options(command: Command) -> Command:
    """Adds the options that all runs have to a command, which gets them as its `options`."""

    @click.option(
        "--max-requests", metavar="N", type=click.IntRange(1), help="Stop after N requests; the next run resumes."
    )
    @click.option("--max-time", metavar="DURATION", help="Stop after this time, e.g. 30s or 10m; the next run resumes.")
    @figures_file_option
    @quiet_option
    @json_option
    @wraps(command)
    def with_options(
        max_requests: int | None, max_time: str | None, figures: Path | None, quiet: bool, as_json: bool, **others: Any
    ) -> int:
        seconds = parse_duration(max_time, "--max-time").total_seconds() if max_time else None
        options = RunOptions(Budget(max_requests, seconds), as_json, quiet, figures)
        return command(options=options, **others)

    return with_options


def workers_option(command: Command) -> Command:
    """Adds --workers to a command below `run_options`."""

    @click.option(
        "--workers",
        metavar="N",
        type=click.IntRange(1, MOST_WORKERS),
        default=1,
        help="Fetch and store with N processes; it helps if the quota is not the limit, as on a server of your own.",
    )
    @wraps(command)
    def with_workers(workers: int, options: RunOptions, **others: Any) -> int:
        if workers > 1 and options.budget.requests:
            raise SettingsError("--workers cannot be used with --max-requests; leave one of them out.")
        return command(options=options._replace(workers=workers), **others)

    return with_workers


def run_plan(
    plan: Plan,
    settings: Settings,
    options: RunOptions,
    access: AccountAccess | None = None,
    then: Then = nothing_further,
) -> int:
    """Runs a plan for each account and what comes then, prints the results. Returns the worst exit code."""
    return worst(run_each(plan, settings, options, access, then))


def run_each(
    plan: Plan,
    settings: Settings,
    options: RunOptions,
    access: AccountAccess | None = None,
    then: Then = nothing_further,
) -> list[int]:
    """Does the same; returns the exit code of each account."""
    suit_many_rows()
    names = _names(settings) if access is None else [None]
    begun, further = [Ran(settings, Result(plan.kind), name) for name in names], Further({})
    try:
        with opened(settings) as there:
            ran = [Ran(there, carried_out(plan, there, options, access))] if access else _ran(plan, there, options)
            for one in ran:
                show(one.result, options, one.account)
            further = _followed(then, ran, options)
            if options.figures:
                write_figures(options.figures, there)
    except PyrusEtlError as error:  # e.g. the embedded database did not start
        ran = [one._replace(result=one.result.ended(error)) for one in begun]
        show(ran[0].result, options)
    codes = [one.result.exit_code or further.exit_code for one in ran]
    if options.as_json:
        with summary():
            print_json(_as_json(ran, further, codes))
    return codes


def _followed(then: Then, ran: Sequence[Ran], options: RunOptions) -> Further:
    """What comes after the runs. If a signal ends it, the object in JSON has their results nevertheless."""
    try:
        return then(ran, options)
    except (KeyboardInterrupt, SystemExit) as signalled:
        if options.as_json:
            code = signalled.code if isinstance(signalled, SystemExit) else 128 + signal.SIGINT
            with summary():
                print_json(_as_json(ran, Further({}), [int(code or 0) for _ in ran]))
        raise


def _names(settings: Settings) -> list[str | None]:
    """The names under which results are shown; one account needs none."""
    return [account.name for account in settings.accounts] if len(settings.accounts) > 1 else [None]


def _ran(plan: Plan, settings: Settings, options: RunOptions) -> list[Ran]:
    """Runs a plan for each account. One that cannot be used here is a failed run, and no other fails with it."""
    accounts = settings.accounts
    if len(accounts) <= 1:
        return [Ran(own := settings.of_account(), carried_out(plan, own, options))]
    usable = [settings.of(account) for account in accounts if not account.fault]
    results = {
        own.account: (own, result) for own, result in zip(usable, each_carried_out(plan, usable, options), strict=True)
    }
    failed = {one.name: (settings, Result(plan.kind).ended(one.fault)) for one in accounts if one.fault}
    return [Ran(*(results | failed)[account.name], account.name) for account in accounts]


def _as_json(ran: Sequence[Ran], further: Further, codes: Sequence[int]) -> dict[str, Any]:
    """The object of a run; of several accounts one with an object for each."""
    of_each = further.of_each or [{} for _ in ran]
    found = [
        one.result.as_json() | more | {"exit_code": code} for one, more, code in zip(ran, of_each, codes, strict=True)
    ]
    if len(ran) == 1:
        return found[0] | further.shown | {"exit_code": codes[0]}
    named = [{"account": one.account, **each} for one, each in zip(ran, found, strict=True)]
    return {"accounts": named, **further.shown, "exit_code": worst(codes)}


@contextmanager
def opened(settings: Settings) -> Iterator[Settings]:
    """The settings with the URL of their database, which runs until the block ends."""
    if not settings.database_url:
        log.info("DATABASE_URL is not set; using the embedded PostgreSQL in %s", data_folder())
    with open_database(settings) as url:
        yield replace(settings, database_url=url)


def each_carried_out(plan: Plan, accounts: Sequence[Settings], options: RunOptions) -> list[Result]:
    """Runs a plan for each of several accounts, side by side."""
    limits = LIMITS._replace(workers=options.workers)
    return all_carried_out(plan, accounts, options.budget, options.patience, limits, is_quiet=options.is_quiet)


def carried_out(plan: Plan, settings: Settings, options: RunOptions, access: AccountAccess | None = None) -> Result:
    """Runs a plan; again and again while another run holds the lock, if there is patience left."""
    watch = (lambda _: nullcontext()) if options.is_quiet else partial(progress_shown, plan.kind)
    end = time.monotonic() + options.patience
    while True:
        limits = LIMITS._replace(workers=options.workers)
        result = asyncio.run(
            run(
                plan,
                settings,
                budget=options.budget,
                limits=limits,
                handles_signals=True,
                watch=watch,
                access=access,
            )
        )
        if not isinstance(result.error, LockHeld) or time.monotonic() >= end:
            return result
        log.info("%s; trying again", str(result.error).rstrip("."))
        time.sleep(min(SECONDS_BETWEEN_TRIES, max(0.0, end - time.monotonic())))


def show(result: Result, options: RunOptions, account: str | None = None) -> None:
    """Prints a result in text: the numbers to stdout, unless they are printed as JSON, and the error to stderr.

    `account`: its name, if there are several.
    """
    if not options.has_to_show(result.exit_code):
        return
    show_held_back()
    if result.status != "failed" and not options.as_json:
        with summary():
            print_result(result, account)
    if result.error is not None:
        click.echo(f"pyrus-etl: {account}: {result.error}" if account else f"pyrus-etl: {result.error}", err=True)
