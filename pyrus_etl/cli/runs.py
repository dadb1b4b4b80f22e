"""The commands that fetch tasks: backfill, sync and reconcile."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial, wraps
from typing import Any

import click

from pyrus_etl.cli.forecast import print_forecast
from pyrus_etl.cli.garbage import collect_garbage_less_often
from pyrus_etl.cli.options import json_option, read_settings, with_settings
from pyrus_etl.cli.output import print_json, print_result, summary
from pyrus_etl.cli.progress import progress_shown
from pyrus_etl.errors import SET_ASIDE, DatabaseUnavailable, LockHeld, PyrusEtlError, PyrusUnreachable, SettingsError
from pyrus_etl.extract.source import AccountAccess
from pyrus_etl.postgres.folders import data_folder
from pyrus_etl.settings import Settings, parse_duration
from pyrus_etl.sync.database import open_database
from pyrus_etl.sync.forecast import Forecast, forecast
from pyrus_etl.sync.period import period
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.reconcile import MAX_DELETED
from pyrus_etl.sync.plans.reconcile import reconcile as reconcile_plan
from pyrus_etl.sync.plans.sync import sync as sync_plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run

log = logging.getLogger(__name__)

Command = Callable[..., int]

CONTINUE_AFTER = {0, PyrusUnreachable.exit_code, DatabaseUnavailable.exit_code, SET_ASIDE, LockHeld.exit_code}
"""Exit codes after which `sync --every` syncs again; the causes of the others do not pass by themselves."""


def budget_options(command: Command) -> Command:
    """Adds --max-requests and --max-time to a command, which gets them as its `budget`."""

    @click.option(
        "--max-requests", metavar="N", type=click.IntRange(1), help="Stop after N requests; the next run resumes."
    )
    @click.option("--max-time", metavar="DURATION", help="Stop after this time, e.g. 30s or 10m; the next run resumes.")
    @wraps(command)
    def budgeted(max_requests: int | None, max_time: str | None, **options: Any) -> int:
        seconds = parse_duration(max_time, "--max-time").total_seconds() if max_time else None
        return command(budget=Budget(max_requests, seconds), **options)

    return budgeted


dry_run_option = click.option(
    "--dry-run",
    is_flag=True,
    help="Only say what the run would ask for, how many requests, and how long; store nothing.",
)


@click.command()
@click.option("--from", "start", metavar="DATE", help="First day or time to fetch (ISO 8601, in UTC by default).")
@click.option("--to", "end", metavar="DATE", help="Last day or time to fetch (inclusive).")
@click.option("--restart", is_flag=True, help="Start over, even if a backfill of the same period can be resumed.")
@dry_run_option
@budget_options
@json_option
@with_settings()
def backfill(start: str | None, end: str | None, restart: bool, dry_run: bool, budget: Budget, as_json: bool) -> int:
    """Fetch all tasks of a period window by window, then catch up to now.

    Without dates, fetches everything that the account can see. You can stop it at any time; the next call resumes it.
    Tasks that are already stored are fetched again only if they changed. With --dry-run it reads the lists, compares
    them with what is stored, and says what is left to fetch; it fetches no task and writes nothing.

    \b
    Examples:  pyrus-etl backfill --from 2024-01-01 --to 2024-12-31
               pyrus-etl backfill --dry-run
    """
    settings = read_settings()
    days = period(parse_date(start, "--from"), parse_date(end, "--to"))
    if dry_run:
        return show_forecast(
            partial(forecast, "backfill", period=days, restart=restart, budget=budget), settings, as_json
        )
    return run_plan(backfill_plan(days, restart=restart), settings, as_json, budget)


@click.command()
@click.option("--every", metavar="DURATION", help="Keep running and sync at this interval, e.g. 15m or 2h.")
@dry_run_option
@budget_options
@json_option
@with_settings()
def sync(every: str | None, dry_run: bool, budget: Budget, as_json: bool) -> int:
    """Fetch what changed since the last run; on an empty database, everything.

    With --dry-run it reads the lists, compares them with what is stored, and says how many tasks changed; it fetches no
    task and writes nothing.

    \b
    Examples:  pyrus-etl sync
               pyrus-etl sync --every 15m
               pyrus-etl sync --dry-run
    """
    settings = read_settings()
    if dry_run and every is not None:
        raise SettingsError("--dry-run looks once; leave out --every.")
    if dry_run:
        return show_forecast(partial(forecast, "sync", budget=budget), settings, as_json)
    if every is None:
        return run_plan(sync_plan(), settings, as_json, budget)
    interval = parse_duration(every, "--every")
    if interval <= timedelta():
        raise SettingsError("--every: the duration must not be zero; write it like 15m.")
    while True:
        started = time.monotonic()
        code = run_plan(sync_plan(), settings, as_json, budget)
        if code not in CONTINUE_AFTER:
            return code
        time.sleep(max(0.0, interval.total_seconds() - (time.monotonic() - started)))


def _share(_: click.Context, parameter: click.Parameter, value: float) -> float:
    """Refuses NaN, which `click.FloatRange` accepts."""
    if math.isnan(value):
        raise click.BadParameter("NaN is not a share; give a number from 0 to 1.", param=parameter)
    return value


@click.command()
@click.option(
    "--max-deleted",
    metavar="SHARE",
    type=click.FloatRange(0, 1),
    callback=_share,
    default=MAX_DELETED,
    show_default=True,
    help="Mark nothing as deleted if more than this share of the stored tasks is missing.",
)
@click.option("--force", is_flag=True, help="Mark all missing tasks as deleted, whatever their share.")
@budget_options
@json_option
@with_settings()
def reconcile(max_deleted: float, force: bool, budget: Budget, as_json: bool) -> int:
    """Compare what the account can see with what is stored.

    Fetches missed tasks, marks deleted ones (tasks.deleted_at; their rows are kept) and unmarks those that came back.
    If nothing differs, it only requests the lists. Run it once a day or once a week.

    \b
    Example:  pyrus-etl reconcile
    """
    return run_plan(reconcile_plan(max_deleted, force=force), read_settings(), as_json, budget)


def run_plan(
    plan: Plan, settings: Settings, as_json: bool, budget: Budget = NO_LIMIT, access: AccountAccess | None = None
) -> int:
    """Runs a plan, shows its progress and prints its result. Returns the exit code."""
    collect_garbage_less_often()
    result = _result(plan, settings, budget, access)
    with summary():
        if as_json:
            print_json(result.as_json())
        elif result.status != "failed":
            print_result(result)
    if result.error is not None:
        click.echo(f"pyrus-etl: {result.error}", err=True)
    return result.exit_code


def _result(plan: Plan, settings: Settings, budget: Budget, access: AccountAccess | None) -> Result:
    begun, watch = Result(plan.kind), partial(progress_shown, plan.kind)
    try:
        if not settings.database_url:
            log.info("DATABASE_URL is not set; using the embedded PostgreSQL in %s", data_folder())
        with open_database(settings) as url:
            settings = replace(settings, database_url=url)
            return asyncio.run(run(plan, settings, budget=budget, handles_signals=True, watch=watch, access=access))
    except PyrusEtlError as error:  # e.g. the embedded database did not start
        return begun.ended(error)


def show_forecast(ask: Callable[[Settings], Coroutine[Any, Any, Forecast]], settings: Settings, as_json: bool) -> int:
    """Asks for a forecast, and prints it. Returns the exit code."""
    with open_database(settings) as url:
        found = asyncio.run(ask(replace(settings, database_url=url)))
    if as_json:
        print_json(found.as_json())
    else:
        print_forecast(found)
    return 0


def parse_date(text: str | None, option: str) -> date | None:
    """Parses a day or, if there is a time too, an instant."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text) if len(text) <= len("2024-01-01") else datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"{option}: {text!r} is not a date; write it like 2024-01-31.") from error
