"""The commands that carry something: backfill, sync and reconcile."""

import asyncio
import gc
import logging
import math
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial, wraps
from typing import Any

import click

from pyrus_etl.cli.options import database, json_option, settings, with_settings
from pyrus_etl.cli.output import print_json, print_report, summary
from pyrus_etl.cli.progress import progress_shown
from pyrus_etl.errors import DatabaseUnavailable, LockHeld, PyrusEtlError, PyrusUnreachable, SettingsError
from pyrus_etl.extract.v3.windows import Window
from pyrus_etl.postgres.folders import data_folder
from pyrus_etl.settings import Settings, parse_duration
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.backfill import sync as sync_plan
from pyrus_etl.sync.plans.reconcile import MAX_DELETED
from pyrus_etl.sync.plans.reconcile import reconcile as reconcile_plan
from pyrus_etl.sync.result import Progress, Report
from pyrus_etl.sync.session import NO_LIMIT, Budget, Plan, conduct

log = logging.getLogger(__name__)

Command = Callable[..., int]

SET_ASIDE = 6
PASSING = {0, PyrusUnreachable.exit_code, DatabaseUnavailable.exit_code, SET_ASIDE, LockHeld.exit_code}
"""Exit codes after which `sync --every` goes on."""


def budget_options(command: Command) -> Command:
    """Gives a command a `budget`: --max-requests and --max-time."""

    @click.option("--max-requests", type=click.IntRange(1), help="Stop after so many; the next run goes on.")
    @click.option("--max-time", metavar="DURATION", help="Stop after 30s, 10m, …; the next run goes on.")
    @wraps(command)
    def budgeted(max_requests: int | None, max_time: str | None, **options: Any) -> int:
        seconds = parse_duration(max_time, "--max-time").total_seconds() if max_time else None
        return command(budget=Budget(max_requests, seconds), **options)

    return budgeted


@click.command()
@click.option("--from", "start", metavar="DATE", help="First day or instant (ISO 8601, UTC).  [no start]")
@click.option("--to", "end", metavar="DATE", help="Last day or instant, included.  [no end]")
@click.option("--restart", is_flag=True, help="Begin anew where a backfill of the same period was not finished.")
@budget_options
@json_option
@with_settings()
def backfill(start: str | None, end: str | None, restart: bool, budget: Budget, as_json: bool) -> int:
    """Everything in a period, by windows; then everything up to now.

    Without dates: everything the account can see. It can be stopped at any time and goes on where it stood; tasks that
    are stored already are not fetched again unless they changed.

    \b
    Example:  pyrus-etl backfill --from 2024-01-01 --to 2024-12-31
    """
    found = settings()
    period = Window(_second(start, "--from"), _second(end, "--to", end_of_day=True))
    if period.start is not None and period.end is not None and period.start > period.end:
        raise SettingsError(f"--from {start} is after --to {end}; give the earlier one as --from.")
    return run("backfill", partial(backfill_plan, period=period, restart=restart), found, as_json, budget)


@click.command()
@click.option("--every", metavar="DURATION", help="Keep running, one sync each 15m, 2h, …")
@budget_options
@json_option
@with_settings()
def sync(every: str | None, budget: Budget, as_json: bool) -> int:
    """What changed since the last run; on an empty database everything.

    \b
    Examples:  pyrus-etl sync
               pyrus-etl sync --every 15m
    """
    found = settings()
    if every is None:
        return run("sync", sync_plan, found, as_json, budget)
    pause = parse_duration(every, "--every")
    if pause <= timedelta():
        raise SettingsError("--every: the duration is empty; write it like 15m.")
    while True:
        begun = time.monotonic()
        code = run("sync", sync_plan, found, as_json, budget)
        if code not in PASSING:
            return code
        time.sleep(max(0.0, pause.total_seconds() - (time.monotonic() - begun)))


def _share(_: click.Context, parameter: click.Parameter, value: float) -> float:
    """Refuses NaN, which the range takes for a number in it."""
    if math.isnan(value):
        raise click.BadParameter("NaN is no share.", param=parameter)
    return value


@click.command()
@click.option(
    "--max-deleted",
    metavar="SHARE",
    type=click.FloatRange(0, 1),
    callback=_share,
    default=MAX_DELETED,
    show_default=True,
    help="Mark nothing where a greater share of the stored tasks is absent.",
)
@click.option("--force", is_flag=True, help="Mark what is gone, however much it is.")
@budget_options
@json_option
@with_settings()
def reconcile(max_deleted: float, force: bool, budget: Budget, as_json: bool) -> int:
    """A census of what the account can see against what is stored.

    Fetches what was missed, marks what is gone (tasks.deleted_at; rows are kept), unmarks what came back. Where nothing
    is amiss it costs the lists alone. Once a day or a week is usual.

    \b
    Example:  pyrus-etl reconcile
    """
    plan = partial(reconcile_plan, max_deleted=max_deleted, force=force)
    return run("reconcile", plan, settings(), as_json, budget)


def run(kind: str, plan: Plan, found: Settings, as_json: bool, budget: Budget = NO_LIMIT) -> int:
    """Carries out a plan, shows how it goes and what came of it; returns the exit code."""
    _spare_the_collector()
    report, progress = Report(kind), Progress()
    try:
        if not found.database_url:
            log.info("using the embedded PostgreSQL in %s, for DATABASE_URL is not set", data_folder())
        with database(found) as url, progress_shown(kind, progress):
            error = asyncio.run(conduct(plan, found, url, report, progress, budget))
    except PyrusEtlError as failure:  # the database did not even start
        report.finish(failure)
        error = failure
    with summary():
        if as_json:
            print_json(report.as_json())
        elif report.status != "failed":
            print_report(report)
    if error is not None:
        click.echo(f"pyrus-etl: {error}", err=True)
        return error.exit_code or (SET_ASIDE if report.counts.tasks_failed else 0)
    return SET_ASIDE if report.counts.tasks_failed else 0


def _spare_the_collector() -> None:
    """Rows are many, in no cycles, and gone with their commit: looking through them took a fifth of a run's time."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)


def _second(text: str | None, option: str, *, end_of_day: bool = False) -> int | None:
    """Seconds since 1970 of a day or an instant; without a time zone it is in UTC."""
    if text is None:
        return None
    try:
        if len(text) <= len("2024-01-01"):
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return int(day.timestamp()) + (86_399 if end_of_day else 0)
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"{option}: {text!r} is not a date; write it like 2024-01-31.") from error
    return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp())
