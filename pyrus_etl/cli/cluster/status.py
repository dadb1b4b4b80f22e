"""`cluster status`: organisations, accounts, queue and workers."""

from pathlib import Path
from typing import Any

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, json_option, read_settings, with_settings
from pyrus_etl.cli.terminal.figures_file import figures_file_option
from pyrus_etl.cli.terminal.output import print_json
from pyrus_etl.cli.terminal.whole_file import write_whole
from pyrus_etl.cluster import registry
from pyrus_etl.cluster.database import open_cluster, transact
from pyrus_etl.cluster.engine_tables import counts
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.metadata import REVISION


@click.command(name="status")
@figures_file_option
@json_option
@with_settings(*DATABASE_SETTINGS)
def status_command(figures: Path | None, as_json: bool) -> None:
    """Show organisations and accounts, how their last work ended and when the next is due, the queue and the workers.

    \b
    Examples:  pyrus-etl cluster status
               pyrus-etl cluster status --metrics /var/lib/node_exporter/pyrus_cluster.prom
    """
    with open_cluster(read_settings()) as url:
        state = transact(url, registry.overview)
        jobs = transact(url, counts)
        if figures:
            write_whole(figures, transact(url, _figures), "--metrics")
    if as_json:
        print_json({**state, "jobs": jobs})
        return
    for organisation in state["organisations"]:
        _show_organisation(organisation, [each for each in state["accounts"] if each["org"] == organisation["org"]])
    click.echo("Queue: " + (", ".join(f"{job['jobs']} {job['kind']} {job['status']}" for job in jobs) or "empty"))
    for worker in state["workers"]:
        health = "works" if worker["is_alive"] else f"silent since {_time(worker['seen_at'])}"
        click.echo(
            f"Worker {worker['name']} {health}, version {worker['version']}, {worker['accounts']} accounts at most"
        )
    if not any(worker["is_alive"] for worker in state["workers"]):
        click.echo("No worker is alive; start some with pyrus-etl worker.")


def _figures(connection: Connection) -> bytes:
    from pyrus_etl.serve.cluster_metrics import cluster_metrics  # prometheus-client is slow to import

    return cluster_metrics(connection)


def _show_organisation(organisation: dict[str, Any], its_accounts: list[dict[str, Any]]) -> None:
    click.echo(
        f"{organisation['org']}" + (f", paused since {_time(since)}" if (since := organisation["paused_at"]) else "")
    )
    if (found := organisation["schema_revision"]) not in (None, REVISION):
        click.echo(
            f"  its database is at revision {found}, this version expects {REVISION}: workers of that version do it; "
            "or run pyrus-etl db upgrade on it"
        )
    for account in its_accounts:
        click.echo(f"  {account['login']}: {_state(account)}")
        if why := account["paused_because"] or account["last_error"]:
            click.echo(f"    {why}")


def _state(account: dict[str, Any]) -> str:
    if account["paused_at"]:
        return f"paused by itself since {_time(account['paused_at'])}"
    what = "sync" if account["backfilled_at"] else "backfill"
    if account["is_at_work"]:
        return f"{what} at work since {_time(account['claimed_at'])}, by {account['claimed_by']}"
    last = f"; the last work ended with {account['last_exit']}" if account["last_exit"] is not None else ""
    return f"{what} due at {_time(account['next_at'])}{last}"


def _time(instant: Any) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S %Z}"
