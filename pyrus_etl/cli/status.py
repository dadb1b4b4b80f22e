"""`status`: shows the state of the sync."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, json_option, read_settings, with_settings
from pyrus_etl.cli.output import print_json
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports.overview import Overview, overview
from pyrus_etl.settings import Quota
from pyrus_etl.sync.database import open_database
from pyrus_etl.sync.progress import about


@click.command()
@json_option
@with_settings(*DATABASE_SETTINGS)
def status(as_json: bool) -> None:
    """Show the last runs, cursors and their lag, row counts, tasks set aside and wide views.

    \b
    Example:  pyrus-etl status
    """
    settings = read_settings()
    with open_database(settings) as url, connect(url) as connection:
        require_schema(connection)
        state = overview(connection)
    if as_json:
        print_json(state._asdict())
    else:
        _show(state)
        _show_details(state, settings.quota)


def _show(state: Overview) -> None:
    click.echo("Last runs, newest first:")
    for run in state.runs:
        click.echo(
            f"  {_time(run['started_at'])}  {run['kind']:10} {run['status']:8} {run['tasks_changed']:>8} changed "
            f"{run['tasks_failed']:>5} set aside  {run['error'] or ''}"
        )
    click.echo("Last successful runs:" if state.last_good else "Last successful runs: none yet")
    for run in state.last_good:
        age = _age(run["age_seconds"])
        click.echo(f"  {_time(run['finished_at'])}  {run['kind']:10} {age} ago, account {run['account_id']}")
    click.echo("Cursors:" if state.cursors else "Cursors: none yet; run pyrus-etl sync")
    for cursor in state.cursors:
        lag = cursor["lag_seconds"]
        click.echo(f"  account {cursor['account_id']}, {cursor['stream']}: {_time(cursor['cursor'])}, {_age(lag)} ago")
    click.echo("Rows:")
    for table, rows in state.rows.items():
        click.echo(f"  {table:20} {rows:>12,}")
    click.echo(f"Tasks set aside: {state.open_errors}" + (" (see pyrus-etl errors list)" if state.open_errors else ""))
    if len(state.errors_by_account) > 1:
        for error in state.errors_by_account:
            click.echo(f"  account {error['account_id']}: {error['tasks']}")
    for form in state.lost_forms:
        since = _time(form["lost_at"])
        click.echo(f"Lost since {since}: form {form['form_id']} ({form['name']}); give the account its rights back")
    for catalog in state.refused_catalogs:
        name = f"{catalog['catalog_id']} ({catalog['name']})"
        click.echo(f"Refused to account {catalog['account_id']}: the items of catalog {name}")
    missing = f"; fields without a column: {state.fields_waiting} (run pyrus-etl reports refresh)"
    click.echo(f"Views of forms and catalogs: {state.wide_views}" + (missing if state.fields_waiting else ""))


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


def _age(seconds: float) -> str:
    """Formats a duration in the largest unit of which it has at least two."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _time(instant: Any) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}" if isinstance(instant, datetime) else "never"
