"""`reports …`: what the reports are made of."""

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, database, json_option, settings, with_settings
from pyrus_etl.cli.output import print_json, summary
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports import materialized
from pyrus_etl.reports.refresh import Refreshed, refresh
from pyrus_etl.reports.settings import set_time_zone
from pyrus_etl.schema.metadata import REPORT_SCHEMA


@click.group()
def reports() -> None:
    """The reports: views in the schema pyrus_report, among them a wide one for every form."""


@reports.command(name="refresh")
@json_option
@with_settings(*DATABASE_SETTINGS)
def refresh_command(as_json: bool) -> None:
    """Makes a wide view for every form: one row a task, one column a field; safe to repeat.

    Fields that were met since the last time get columns behind the others; what is there keeps its name and its place.
    Stored tasks take the form that form_overrides says. What is materialised is brought up to date.

    \b
    Example:  pyrus-etl reports refresh
    """
    found = settings()
    with database(found) as url, connect(url) as connection:
        require_schema(connection)
        if found.time_zone:
            set_time_zone(connection, found.time_zone)
        refreshed = refresh(connection)
    with summary():
        if as_json:
            print_json(refreshed._asdict())
        else:
            _show(refreshed)


@reports.command(name="materialize")
@click.argument("views", metavar="VIEW...", nargs=-1, required=True)
@click.option("--drop", is_flag=True, help="No longer keep their rows; the reports themselves stay.")
@with_settings(*DATABASE_SETTINGS)
def materialize_command(views: tuple[str, ...], drop: bool) -> None:
    """Keeps the rows of reports in pyrus_report.VIEW_materialized, where the view is too slow; safe to repeat.

    They are as of the last pyrus-etl reports refresh, which brings them up to date; who reads them meanwhile waits.

    \b
    Example:  pyrus-etl reports materialize task_timeline task_overview
    """
    with database(settings()) as url, connect(url) as connection:
        require_schema(connection)
        with summary():
            for view in views:
                (materialized.dematerialize if drop else materialized.materialize)(connection, view)
                click.echo(f"{REPORT_SCHEMA}.{view}{materialized.SUFFIX}: {'dropped' if drop else 'up to date'}")


def _show(refreshed: Refreshed) -> None:
    for view in refreshed.views:
        columns = refreshed.columns_made.get(view, [])
        new = "made, " if view in refreshed.views_made else ""
        click.echo(f"{REPORT_SCHEMA}.{view}: {new}{len(columns)} new columns" if columns else f"{REPORT_SCHEMA}.{view}")
    for view in refreshed.materialized:
        click.echo(f"{REPORT_SCHEMA}.{view}{materialized.SUFFIX}: up to date")
    if not refreshed.views:
        click.echo("No task with a form is stored yet; run pyrus-etl sync first.")
