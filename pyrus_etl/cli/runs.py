"""The commands that carry something: backfill and sync."""

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from functools import partial

import click

from pyrus_etl.cli.options import database, json_option, settings, with_settings
from pyrus_etl.cli.output import print_json, print_report
from pyrus_etl.cli.progress import progress_shown
from pyrus_etl.errors import DatabaseUnavailable, LockHeld, PyrusEtlError, PyrusUnreachable, SettingsError
from pyrus_etl.extract.windows import Window
from pyrus_etl.settings import Settings, parse_duration
from pyrus_etl.sync.backfill import backfill as backfill_plan
from pyrus_etl.sync.backfill import sync as sync_plan
from pyrus_etl.sync.report import Progress, Report
from pyrus_etl.sync.run import Plan, conduct

SET_ASIDE = 6
PASSING = {0, PyrusUnreachable.exit_code, DatabaseUnavailable.exit_code, SET_ASIDE, LockHeld.exit_code}
"""Exit codes after which `sync --every` goes on."""


@click.command()
@click.option("--from", "start", metavar="DATE", help="First day or instant (ISO 8601, UTC).  [no start]")
@click.option("--to", "end", metavar="DATE", help="Last day or instant, included.  [no end]")
@click.option("--restart", is_flag=True, help="Begin anew where a backfill of the same period was not finished.")
@json_option
@with_settings()
def backfill(start: str | None, end: str | None, restart: bool, as_json: bool) -> int:
    """Everything in a period, by windows; then everything up to now.

    Without dates: everything the account can see. It can be stopped at any time and goes on where it stood; tasks that
    are stored already are not fetched again unless they changed.

    \b
    Example:  pyrus-etl backfill --from 2024-01-01 --to 2024-12-31
    """
    found = settings()
    period = Window(_second(start, "--from"), _second(end, "--to", end_of_day=True))
    if period.start is not None and period.end is not None and period.start > period.end:
        raise SettingsError(f"--from {start} is after --to {end}.")
    return run("backfill", partial(backfill_plan, period=period, restart=restart), found, as_json)


@click.command()
@click.option("--every", metavar="DURATION", help="Keep running, one sync each 15m, 2h, …")
@json_option
@with_settings()
def sync(every: str | None, as_json: bool) -> int:
    """What changed since the last run; on an empty database everything.

    \b
    Examples:  pyrus-etl sync
               pyrus-etl sync --every 15m
    """
    found = settings()
    if every is None:
        return run("sync", sync_plan, found, as_json)
    pause = parse_duration(every, "--every")
    if pause <= timedelta():
        raise SettingsError("--every: the duration is empty; write it like 15m.")
    while True:
        begun = time.monotonic()
        code = run("sync", sync_plan, found, as_json)
        if code not in PASSING:
            return code
        time.sleep(max(0.0, pause.total_seconds() - (time.monotonic() - begun)))


def run(kind: str, plan: Plan, found: Settings, as_json: bool) -> int:
    """Carries out a plan, shows how it goes and what came of it; returns the exit code."""
    report, progress = Report(kind), Progress()
    try:
        with database(found) as url, progress_shown(kind, progress):
            error = asyncio.run(conduct(plan, found, url, report, progress))
    except PyrusEtlError as failure:  # the database did not even start
        report.finish(failure)
        error = failure
    if as_json:
        print_json(report.as_json())
    elif error is None:
        print_report(report)
    if error is not None:
        click.echo(f"pyrus-etl: {error}", err=True)
        return error.exit_code
    return SET_ASIDE if report.counts.tasks_failed else 0


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
