"""`cluster …`: organisations and accounts that several workers keep up to date."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from pyrus_etl.cli.cluster.add import add_command
from pyrus_etl.cli.cluster.status import status_command
from pyrus_etl.cli.options import DATABASE_SETTINGS, Group, read_settings, with_settings
from pyrus_etl.cluster import accounts, registry, schema
from pyrus_etl.cluster.accounts import Name
from pyrus_etl.cluster.database import connected, open_cluster, transact
from pyrus_etl.cluster.engine_tables import prepare
from pyrus_etl.postgres.lease import briefly
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret

if TYPE_CHECKING:
    from pyrus_etl.cluster.engine import Engine  # imported when the queue is used: help does without its packages


@click.group(cls=Group)
def cluster() -> None:
    """Say which accounts several workers keep up to date, on as many machines as you like.

    The accounts and the queue are in the database of PYRUS_ETL_CLUSTER_URL, or else in the embedded PostgreSQL. Each
    organisation has a database of its own, as with one machine. docs/scale.md says when this is worth it.
    """


cluster.add_command(add_command)
cluster.add_command(status_command)


def org_argument(*, required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.argument("org", required=required, metavar="ORG" if required else "[ORG]")


@cluster.command()
@with_settings(*DATABASE_SETTINGS)
def init() -> None:
    """Create or upgrade the tables of the cluster; safe to repeat.

    \b
    Example:  PYRUS_ETL_CLUSTER_URL=postgresql://etl@db.example.com/pyrus_cluster pyrus-etl cluster init
    """
    with open_cluster(read_settings()) as url, connected(url) as connection, connection.transaction():
        briefly(connection)
        before = schema.create(connection)
        has_new_queue = prepare(connection)
    did = "is ready" if before == schema.REVISION else "was created" if before == 0 else "was upgraded"
    click.echo(f"The cluster {did}" + (", with an empty queue." if has_new_queue else "."))


@cluster.command()
@org_argument(required=True)
@click.option("--login", metavar="TEXT", help="Only this account.")
@with_settings(*DATABASE_SETTINGS)
def remove(org: str, login: str | None) -> None:
    """Forget an organisation, or one of its accounts. Its database stays as it is.

    \b
    Example:  pyrus-etl cluster remove acme --login bot2@acme.example
    """
    with open_cluster(read_settings()) as url:
        _cancel_jobs(url, transact(url, registry.accounts_of, org, login))
        _say("Removed", transact(url, registry.remove, org, login))


@cluster.command()
@org_argument()
@with_settings(*DATABASE_SETTINGS)
def pause(org: str | None) -> None:
    """Begin no more work for an organisation, or for all. What is under way ends within five minutes.

    \b
    Example:  pyrus-etl cluster pause acme && pyrus-etl cluster cancel acme
    """
    with open_cluster(read_settings()) as url:
        _say("Paused", transact(url, registry.pause, org))


@cluster.command()
@org_argument()
@with_settings(*DATABASE_SETTINGS)
def resume(org: str | None) -> None:
    """End the pause of an organisation, or of all, and of accounts that paused by themselves.

    \b
    Example:  pyrus-etl cluster resume acme
    """
    with open_cluster(read_settings()) as url:
        names = transact(url, registry.resume, org)
        _defer(url, names)
        _say("Resumed", names)


@cluster.command()
@org_argument()
@with_settings(*DATABASE_SETTINGS)
def run(org: str | None) -> None:
    """Make the accounts of an organisation, or all, due now. One that is paused waits for cluster resume.

    \b
    Example:  pyrus-etl cluster run acme
    """
    with open_cluster(read_settings()) as url:
        names, paused = transact(url, registry.run_now, org), transact(url, registry.paused, org)
        due = [name for name in names if name not in paused]
        _defer(url, due)
        if due or not paused:
            _say("Due now:", due)
        if paused:
            click.echo(f"Paused: {_listed(paused)}; run pyrus-etl cluster resume first.")


@cluster.command()
@org_argument()
@with_settings(*DATABASE_SETTINGS)
def cancel(org: str | None) -> None:
    """End the work under way for an organisation, or for all, until it is due again.

    What was fetched is committed. To hold it for longer, pause it first.

    \b
    Example:  pyrus-etl cluster cancel acme
    """
    with open_cluster(read_settings()) as url:
        names = transact(url, registry.postpone, org)
        ended = _cancel_jobs(url, names)
        click.echo(f"Cancelled {ended} {'job' if ended == 1 else 'jobs'} of {_listed(names)}.")


def _cancel_jobs(url: Secret, names: Sequence[Name]) -> int:
    async def work(engine: "Engine") -> int:
        return sum([await engine.cancel(name) for name in names])

    return _with_queue(url, work)


def _defer(url: Secret, names: Sequence[Name]) -> None:
    """Puts what is due into the queue at once; a worker would do it within seconds."""
    jobs = [job for job in transact(url, accounts.due, REVISION) if job.account in names]

    async def work(engine: "Engine") -> int:
        from pyrus_etl.cluster.engine import defer_all

        return await defer_all(engine, jobs)

    _with_queue(url, work)


def _with_queue(url: Secret, work: "Callable[[Engine], Awaitable[int]]") -> int:
    from pyrus_etl.cluster.engine import Engine

    async def opened() -> int:
        async with Engine(url) as engine:
            return await work(engine)

    return asyncio.run(opened())


def _say(did: str, names: Sequence[Name]) -> None:
    click.echo(f"{did} {_listed(names)}.")


def _listed(names: Sequence[Name]) -> str:
    return ", ".join(map(str, names)) if names else "no account"
