"""`reports …`: creates, updates and materializes the reports."""

import click

from pyrus_etl.cli.options import (
    DATABASE_SETTINGS,
    REPORT_SETTINGS,
    Group,
    json_option,
    read_settings,
    with_settings,
)
from pyrus_etl.cli.terminal.output import print_json, summary
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports import materialized
from pyrus_etl.reports.access import sessions
from pyrus_etl.reports.refresh import Refreshed, refresh
from pyrus_etl.reports.settings import set_time_zone
from pyrus_etl.schema.metadata import REPORT_SCHEMA
from pyrus_etl.sync.database import open_database


@click.group(cls=Group)
def reports() -> None:
    """Manage the reports: the views in pyrus_report, also those of forms and catalogs."""


@reports.command(name="refresh")
@json_option
@with_settings(*REPORT_SETTINGS)
def refresh_command(as_json: bool) -> None:
    """Create or update a view for each form and each catalog; safe to repeat.

    A wide view has one row per task and one column per field. Columns of new fields come last; existing columns keep
    their names and order. Also applies form_overrides to stored tasks, and refreshes materialized reports.

    \b
    Example:  pyrus-etl reports refresh
    """
    settings = read_settings()
    with open_database(settings) as url, connect(url) as connection:
        require_schema(connection)
        if settings.time_zone:
            set_time_zone(connection, settings.time_zone)
        refreshed = refresh(connection, settings.waits.locks)
        missing = sessions.missing_defaults(connection)
    with summary():
        if as_json:
            print_json(refreshed._asdict())
        else:
            show_refreshed(refreshed)
            if missing:
                click.echo(f"{sessions.advice(missing)}.")


@reports.command(name="materialize")
@click.argument("views", metavar="VIEW...", nargs=-1, required=True)
@click.option("--drop", is_flag=True, help="Drop the stored rows; the reports themselves stay.")
@with_settings(*DATABASE_SETTINGS)
def materialize_command(views: tuple[str, ...], drop: bool) -> None:
    """Store the rows of slow reports in pyrus_report.VIEW_materialized; safe to repeat.

    pyrus-etl reports refresh brings the rows up to date. Queries that read them during the refresh wait for it.

    \b
    Example:  pyrus-etl reports materialize task_timeline task_overview
    """
    settings = read_settings()
    with open_database(settings) as url, connect(url) as connection:
        require_schema(connection)
        with summary():
            for view in views:
                carry_out = materialized.dematerialize if drop else materialized.materialize
                carry_out(connection, view, settings.waits.locks)
                click.echo(f"{REPORT_SCHEMA}.{view}{materialized.SUFFIX}: {'dropped' if drop else 'up to date'}")


def show_refreshed(refreshed: Refreshed) -> None:
    """Prints the views, and what is new."""
    for view in refreshed.views:
        columns = refreshed.columns_made.get(view, [])
        new = "created, " if view in refreshed.views_made else ""
        click.echo(f"{REPORT_SCHEMA}.{view}: {new}{len(columns)} new columns" if columns else f"{REPORT_SCHEMA}.{view}")
    for view in refreshed.materialized:
        click.echo(f"{REPORT_SCHEMA}.{view}{materialized.SUFFIX}: up to date")
    if not refreshed.views:
        click.echo("No form and no catalog is stored yet; run pyrus-etl sync first.")
