"""`errors …`: tasks that were set aside."""

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, database, json_option, settings, with_settings
from pyrus_etl.cli.output import print_json
from pyrus_etl.cli.runs import run
from pyrus_etl.load.rejected import list_rejections
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.sync.plans.sync import retry as retry_plan


@click.group()
def errors() -> None:
    """Tasks that could not be fetched, read or stored: list them, try them again."""


@errors.command(name="list")
@click.option("--all", "resolved_too", is_flag=True, help="Those that were resolved, too.")
@json_option
@with_settings(*DATABASE_SETTINGS)
def list_(resolved_too: bool, as_json: bool) -> None:
    """Lists the tasks that are set aside, and why.

    \b
    Example:  pyrus-etl errors list
    """
    with database(settings()) as url, connect(url) as connection:
        require_schema(connection)
        found = list_rejections(connection, resolved_too=resolved_too)
    if as_json:
        print_json({"errors": found})
        return
    for error in found:
        times = "once" if error["attempts"] == 1 else f"{error['attempts']} times"
        state = "resolved" if error["resolved_at"] else "open"
        click.echo(
            f"task {error['task_id']}  {state}, {error['stage']} failed {times}, last {error['last_seen_at']:%F %T}"
        )
        click.echo(f"    {error['error']}")
    if not found:
        click.echo("No task is set aside.")


@errors.command()
@json_option
@with_settings()
def retry(as_json: bool) -> int:
    """Tries the tasks that are set aside again, at once. Every run does so too.

    \b
    Example:  pyrus-etl errors retry
    """
    return run("retry", retry_plan, settings(), as_json)
