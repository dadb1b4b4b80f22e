"""`status`: shows the state of the sync."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, json_option, quiet_option, read_settings, with_settings
from pyrus_etl.cli.terminal.figures_file import figures_file_option, write_figures
from pyrus_etl.cli.terminal.output import ended, print_json, show_held_back
from pyrus_etl.errors import DataStale
from pyrus_etl.extract.files.account import ACCOUNTS
from pyrus_etl.load.operation.freshness import duration, require_fresh
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.locks import waiting_briefly
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports.overview import Overview, overview
from pyrus_etl.schema.counts import COUNTERS, Counts
from pyrus_etl.settings import Quota, parse_duration
from pyrus_etl.sync import result
from pyrus_etl.sync.alerts.alerts import raise_alerts
from pyrus_etl.sync.database import open_database
from pyrus_etl.sync.progress import about

COLUMNS = [counter.name for counter in COUNTERS]


@click.command()
@click.option(
    "--max-age", metavar="DURATION", help="Exit with 8 if the last good run of an account is older, e.g. 1h or 2d."
)
@figures_file_option
@quiet_option
@json_option
@with_settings(*DATABASE_SETTINGS)
def status(max_age: str | None, figures: Path | None, quiet: bool, as_json: bool) -> int:
    """Show the last runs, cursors and their lag, row counts, tasks set aside and wide views.

    With --max-age it is a check for monitors: the exit code is 8 if the data are older than that, and a line on stderr
    says why. A good run is a backfill, sync or reconcile that reached its end. PYRUS_ETL_ALERT_URL gets an alert, once.

    \b
    Examples:  pyrus-etl status
               pyrus-etl status --max-age 1h --quiet
    """
    settings = read_settings(quiet=quiet)
    limit = parse_duration(max_age, "--max-age") if max_age else None
    with open_database(settings) as url, connect(url) as connection:
        with waiting_briefly(connection):
            require_schema(connection)
            state = None if quiet and not as_json else overview(connection)
            fault = _fault(connection, limit)
        if limit is not None:
            asyncio.run(raise_alerts(replace(settings, database_url=url), limit))
        if figures:
            write_figures(figures, replace(settings, database_url=url))
    if state and as_json:
        print_json(state._asdict() | ended(fault))
    elif state:
        _show(state)
        _show_details(state, settings.quota)
    if fault:
        show_held_back()
        click.echo(f"pyrus-etl: {fault}", err=True)
    return fault.exit_code if fault else 0


def _fault(connection: Connection, max_age: timedelta | None) -> DataStale | None:
    """Why the data are too old, if they are."""
    try:
        if max_age is not None:
            require_fresh(connection, max_age)
    except DataStale as fault:
        return fault
    return None


def _show(state: Overview) -> None:
    for line in (*_runs(state), *_rows(state), *_wanting(state)):
        click.echo(line)


def _runs(state: Overview) -> Iterator[str]:
    """The accounts if there are several, the last runs, the last good ones, and the cursors."""
    if len(state.accounts) > 1:
        yield "Accounts:"
        yield from (f"  {_of_account(account)}" for account in state.accounts)
    yield "Last runs, newest first:"
    for run in state.runs:
        did = _did(run["kind"], Counts(**{name: run[name] for name in COLUMNS}))
        yield f"  {_time(run['started_at'])}  {run['kind']:10} {run['status']:8} {did}  {run['error'] or ''}"
    yield "Last successful runs:" if state.last_good else "Last successful runs: none yet"
    for run in state.last_good:
        age = duration(run["age_seconds"])
        yield f"  {_time(run['finished_at'])}  {run['kind']:10} {age} ago, {_account(run['account_id'])}"
    yield "Cursors:" if state.cursors else "Cursors: none yet; run pyrus-etl sync"
    for cursor in state.cursors:
        at, lag = _time(cursor["cursor"]), duration(cursor["lag_seconds"])
        yield f"  account {cursor['account_id']}, {cursor['stream']}: {at}, {lag} ago"


def _rows(state: Overview) -> Iterator[str]:
    yield "Rows:"
    yield from (f"  {table:20} {rows:>12,}" for table, rows in state.rows.items())


def _wanting(state: Overview) -> Iterator[str]:
    """What is set aside, lost or refused, and the fields that have no column yet."""
    yield f"Tasks set aside: {state.open_errors}" + (" (see pyrus-etl errors list)" if state.open_errors else "")
    if len(state.errors_by_account) > 1:
        yield from (f"  account {error['account_id']}: {error['tasks']}" for error in state.errors_by_account)
    for form in state.lost_forms:
        since = _time(form["lost_at"])
        yield f"Lost since {since}: form {form['form_id']} ({form['name']}); give the account its rights back"
    for catalog in state.refused_catalogs:
        name = f"{catalog['catalog_id']} ({catalog['name']})"
        yield f"Refused to account {catalog['account_id']}: the items of catalog {name}"
    missing = f"; fields without a column: {state.fields_waiting} (run pyrus-etl reports refresh)"
    yield f"Views of forms and catalogs: {state.wide_views}" + (missing if state.fields_waiting else "")


def _of_account(account: dict[str, Any]) -> str:
    """An account, and how its last run ended."""
    name = " ".join(filter(None, (account["name"], account["login"])))
    code = account["last_exit"]
    last = "has not ended a run" if code is None else f"last exit code {code}"
    due = f", next run {_time(account['next_at'])}" if account["next_at"] else ""
    return f"{account['account_id']:<10} {name}  {account['api'] or ''}  {last}{due}"


def _did(kind: str, counts: Counts) -> str:
    """What a run did, and what it could not do."""
    match kind:
        case result.DOWNLOAD:
            return f"{counts.files_stored:>8} stored {counts.files_not_stored:>6} not stored"
        case result.MIRROR:
            return f"{counts.files_copied:>8} copied {counts.files_failed:>6} not copied"
        case result.SYNC_FILES:
            return f"{counts.files_changed:>8} changed {counts.projects_failed:>5} projects set aside"
    return f"{counts.tasks_changed:>8} changed {counts.tasks_failed:>5} set aside"


def _account(account_id: int) -> str:
    """An account of Pyrus, or another service, by its name."""
    return next((name for name, known in ACCOUNTS.items() if known == account_id), f"account {account_id}")


def _show_details(state: Overview, quota: Quota) -> None:
    """Prints how many tasks have their comments, approvals and files, and when the rest will, if any is missing."""
    if left := state.tasks_without_detail:
        stored = state.rows["tasks"]
        seconds = left / quota.requests * quota.period
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        click.echo(
            f"Details: {stored - left:,} of {stored:,} tasks; sync fetches the rest in about {about(seconds)}, "
            f"until {_time(until)} UTC, at {quota.requests:,} requests per {quota.period:,g} s"
        )


def _time(instant: Any) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}" if isinstance(instant, datetime) else "never"
