"""`errors …`: tasks that were set aside."""

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, Group, account_option, json_option, read_settings, with_settings
from pyrus_etl.cli.runs.running import RunOptions, run_options, run_plan
from pyrus_etl.cli.terminal.output import print_json
from pyrus_etl.load.tasks.rejected import list_rejections
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.locks import waiting_briefly
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.sync.database import open_database
from pyrus_etl.sync.plans.retry import retry as retry_plan


@click.group(cls=Group)
def errors() -> None:
    """List or retry the tasks that were set aside because they could not be fetched, read or stored."""


@errors.command(name="list")
@click.option("--all", "resolved_too", is_flag=True, help="Include resolved errors.")
@json_option
@with_settings(*DATABASE_SETTINGS)
def list_(resolved_too: bool, as_json: bool) -> None:
    """List the tasks that are set aside, and why.

    \b
    Example:  pyrus-etl errors list
    """
    with open_database(read_settings()) as url, connect(url) as connection, waiting_briefly(connection):
        require_schema(connection)
        rejections = list_rejections(connection, resolved_too=resolved_too)
    if as_json:
        print_json({"errors": rejections})
        return
    several = len({error["account_id"] for error in rejections}) > 1
    for error in rejections:
        times = "once" if error["attempts"] == 1 else f"{error['attempts']} times"
        state = "resolved" if error["resolved_at"] else "open"
        task = f"task {error['task_id']}" + (f" of account {error['account_id']}" if several else "")
        click.echo(f"{task}  {state}, {error['stage']} failed {times}, last {error['last_seen_at']:%F %T}")
        click.echo(f"    {error['error']}")
    if not rejections:
        click.echo("No task is set aside.")


@errors.command()
@run_options
@account_option
@with_settings()
def retry(options: RunOptions) -> int:
    """Retry the tasks that are set aside.

    Every sync, backfill and reconcile does this, too.

    \b
    Example:  pyrus-etl errors retry
    """
    return run_plan(retry_plan(), read_settings(quiet=options.is_quiet), options)
