"""`status`: how the sync stands."""

from datetime import datetime
from typing import Any

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, database, json_option, settings, with_settings
from pyrus_etl.cli.output import print_json
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports.overview import Overview, overview


@click.command()
@json_option
@with_settings(*DATABASE_SETTINGS)
def status(as_json: bool) -> None:
    """Last runs, the last good ones, cursors and how far they lag, rows by table, open errors, wide views of forms.

    \b
    Example:  pyrus-etl status
    """
    with database(settings()) as url, connect(url) as connection:
        require_schema(connection)
        found = overview(connection)
    if as_json:
        print_json(found._asdict())
    else:
        _show(found)


def _show(found: Overview) -> None:
    click.echo("Runs, the last first:")
    for run in found.runs:
        click.echo(
            f"  {_time(run['started_at'])}  {run['kind']:10} {run['status']:8} {run['tasks_changed']:>8} changed "
            f"{run['tasks_failed']:>5} set aside  {run['error'] or ''}"
        )
    click.echo("Last good runs:" if found.last_good else "Last good runs: none yet")
    for run in found.last_good:
        age = _age(run["age_seconds"])
        click.echo(f"  {_time(run['finished_at'])}  {run['kind']:10} {age} ago, account {run['account_id']}")
    click.echo("Cursors:" if found.cursors else "Cursors: none yet; run pyrus-etl sync")
    for cursor in found.cursors:
        lag = cursor["lag_seconds"]
        click.echo(f"  account {cursor['account_id']}, {cursor['stream']}: {_time(cursor['cursor'])}, {_age(lag)} ago")
    click.echo("Rows:")
    for table, rows in found.rows.items():
        click.echo(f"  {table:20} {rows:>12,}")
    click.echo(f"Tasks set aside: {found.open_errors}" + (" (pyrus-etl errors list)" if found.open_errors else ""))
    waiting = (
        f"; fields that wait for pyrus-etl reports refresh: {found.fields_waiting}" if found.fields_waiting else ""
    )
    click.echo(f"Wide views of forms: {found.wide_views}{waiting}")


def _age(seconds: float) -> str:
    """A duration in the largest unit that it has at least two of."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _time(instant: Any) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}" if isinstance(instant, datetime) else "never"
