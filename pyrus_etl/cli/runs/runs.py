"""The commands that fetch tasks: backfill, sync and reconcile."""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any

import click

from pyrus_etl.cli.options import account_option, patience_of, read_settings, wait_option, with_settings
from pyrus_etl.cli.runs.forecast import print_forecast
from pyrus_etl.cli.runs.further import further
from pyrus_etl.cli.runs.running import RunOptions, run_each, run_options, run_plan, workers_option
from pyrus_etl.cli.runs.side_by_side import worst
from pyrus_etl.cli.terminal.output import print_json
from pyrus_etl.errors import SET_ASIDE, DatabaseUnavailable, LockHeld, PyrusUnreachable, SettingsError
from pyrus_etl.settings import Settings, parse_interval
from pyrus_etl.sync.database import open_database
from pyrus_etl.sync.forecast import Forecast, forecast
from pyrus_etl.sync.listing.period import period
from pyrus_etl.sync.memory import give_back
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.reconcile import MAX_DELETED
from pyrus_etl.sync.plans.reconcile import reconcile as reconcile_plan
from pyrus_etl.sync.plans.sync import sync as sync_plan

CONTINUE_AFTER = {0, PyrusUnreachable.exit_code, DatabaseUnavailable.exit_code, SET_ASIDE, LockHeld.exit_code}
"""Exit codes of an account after which `sync --every` syncs again; the causes of the others do not pass by themselves.
"""
SIGNALS = 128
"""Greater exit codes are those of signals."""

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
@run_options
@workers_option
@account_option
@with_settings()
def backfill(start: str | None, end: str | None, restart: bool, dry_run: bool, options: RunOptions) -> int:
    """Fetch all tasks of a period window by window, then catch up to now.

    Without dates, fetches everything that the account can see. You can stop it at any time; the next call resumes it.
    Tasks that are already stored are fetched again only if they changed. With --dry-run it reads the lists, compares
    them with what is stored, and says what is left to fetch; it fetches no task and writes nothing.

    \b
    Examples:  pyrus-etl backfill --from 2024-01-01 --to 2024-12-31
               pyrus-etl backfill --dry-run
    """
    settings = read_settings(quiet=options.is_quiet)
    days = period(parse_date(start, "--from"), parse_date(end, "--to"))
    if dry_run:
        return show_forecast(
            partial(forecast, "backfill", period=days, restart=restart, budget=options.budget), settings, options
        )
    return run_plan(backfill_plan(days, restart=restart), settings, options, then=further())


@click.command()
@click.option("--every", metavar="DURATION", help="Keep running and sync at this interval, e.g. 15m or 2h.")
@click.option("--refresh", is_flag=True, help="Then refresh the reports if there are new fields or changed rows.")
@click.option(
    "--reconcile-every", metavar="DURATION", help="Then reconcile, if the last one began longer ago, e.g. 24h."
)
@dry_run_option
@run_options
@workers_option
@account_option
@with_settings()
def sync(every: str | None, refresh: bool, reconcile_every: str | None, dry_run: bool, options: RunOptions) -> int:
    """Fetch what changed since the last run; on an empty database, everything.

    With --refresh and --reconcile-every, this one command in cron is all that is needed for good. With --dry-run it
    reads the lists, compares them with what is stored, and says how many tasks changed; it fetches no task and writes
    nothing.

    \b
    Examples:  pyrus-etl sync
               pyrus-etl sync --refresh --reconcile-every 24h --quiet
               pyrus-etl sync --every 15m
               pyrus-etl sync --dry-run
    """
    interval = None if every is None else parse_interval(every, "--every")
    census = None if reconcile_every is None else parse_interval(reconcile_every, "--reconcile-every")
    then = further(refreshes=refresh, reconcile_every=census)
    settings = read_settings(quiet=options.is_quiet)
    if dry_run and (interval or refresh or census):
        raise SettingsError("--dry-run looks once; leave out --every, --refresh and --reconcile-every.")
    if dry_run:
        return show_forecast(partial(forecast, "sync", budget=options.budget), settings, options)
    if interval is None:
        return run_plan(sync_plan(), settings, options, then=then)
    while True:
        started = time.monotonic()
        codes = run_each(sync_plan(), settings, options, then=then)
        if CONTINUE_AFTER.isdisjoint(codes) or max(codes) > SIGNALS:
            return worst(codes)
        give_back()
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
@wait_option
@run_options
@workers_option
@account_option
@with_settings()
def reconcile(max_deleted: float, force: bool, wait: str | None, options: RunOptions) -> int:
    """Compare what the account can see with what is stored.

    Fetches missed tasks, marks deleted ones (tasks.deleted_at; their rows are kept) and unmarks those that came back.
    If nothing differs, it only requests the lists. Run it once a day or once a week.

    \b
    Examples:  pyrus-etl reconcile
               pyrus-etl reconcile --wait 2h
    """
    patience = patience_of(wait)
    settings = read_settings(quiet=options.is_quiet)
    return run_plan(reconcile_plan(max_deleted, force=force), settings, options._replace(patience=patience))


def show_forecast(
    ask: Callable[[Settings], Coroutine[Any, Any, Forecast]], settings: Settings, options: RunOptions
) -> int:
    """Asks for a forecast of an account, and prints it. Returns the exit code."""
    settings = settings.of_account()
    with open_database(settings) as url:
        found = asyncio.run(ask(replace(settings, database_url=url)))
    if options.as_json:
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
