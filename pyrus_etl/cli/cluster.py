"""`cluster …`: organisations and accounts that several workers keep up to date."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, json_option, read_settings, with_settings
from pyrus_etl.cli.output import print_json
from pyrus_etl.cluster import accounts, registry, schema
from pyrus_etl.cluster.accounts import Name
from pyrus_etl.cluster.database import connected, open_cluster, transact
from pyrus_etl.cluster.engine import Engine, counts, defer_all, prepare
from pyrus_etl.cluster.registry import NewAccount
from pyrus_etl.cluster.worker import PLAN_EVERY
from pyrus_etl.errors import SettingsError
from pyrus_etl.files.target import target_url
from pyrus_etl.postgres.lease import briefly
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret, parse_interval, parse_quota
from pyrus_etl.settings.parse import parse_api, parse_origin, parse_person_id

ORG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


@click.group()
def cluster() -> None:
    """Say which accounts several workers keep up to date, on as many machines as you like.

    The accounts and the queue are in the database of PYRUS_ETL_CLUSTER_URL, or else in the embedded PostgreSQL. Each
    organisation has a database of its own, as with one machine. docs/scale.md says when this is worth it.
    """


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
@click.option("--database-url-file", metavar="FILE", help="File with the URL of the organisation's database.")
@click.option("--login", metavar="TEXT", required=True, help="E-mail of the person or bot to log in as.")
@click.option("--key-file", metavar="FILE", required=True, help="File with the security key of the login.")
@click.option("--api", metavar="TEXT", default="", help="v4, the API of live accounts, or v3, the restapi.")
@click.option("--url", metavar="TEXT", default="https://pyrus.com", show_default=True, help="Origin of Pyrus.")
@click.option("--client-id", metavar="TEXT", help="Id of the application registered in Pyrus; v3 only.")
@click.option("--person-id", metavar="TEXT", default="", help="Id of the person, if several share the login.")
@click.option("--every", metavar="DURATION", default="15m", show_default=True, help="Sync at this interval.")
@click.option("--reconcile-every", metavar="DURATION", default="24h", show_default=True, help="Take a census so often.")
@click.option("--quota", metavar="TEXT", default="5000/600s", show_default=True, help="Maximum requests per period.")
@click.option("--attachments-to", metavar="URL", help="Also store attachments in s3://…, gs://…, az://… or a folder.")
@with_settings(*DATABASE_SETTINGS)
def add(
    org: str,
    database_url_file: str | None,
    login: str,
    key_file: str,
    api: str,
    url: str,
    client_id: str | None,
    person_id: str,
    every: str,
    reconcile_every: str,
    quota: str,
    attachments_to: str | None,
) -> None:
    """Add an account of an organisation; a new organisation needs --database-url-file too.

    The files stay where they are: the cluster stores their paths, and each worker reads them on its own machine. Create
    the tables of the organisation first: DATABASE_URL_FILE=FILE pyrus-etl db upgrade.

    \b
    Examples:  pyrus-etl cluster add acme --database-url-file /etc/pyrus-etl/acme.url \\
                 --login bot1@acme.example --key-file /etc/pyrus-etl/acme-bot1.key
               pyrus-etl cluster add acme --login bot2@acme.example --key-file /etc/pyrus-etl/acme-bot2.key
    """
    settings = read_settings()
    if not ORG.fullmatch(org):
        raise SettingsError(f"ORG: {org[:80]!r} is not a name; use letters, digits, - and _, at most 63.")
    parse_quota(quota, "--quota")
    account = NewAccount(
        org=org,
        login=login,
        api=parse_api(api, "--api"),
        url=parse_origin(url, "--url"),
        client_id=client_id,
        person_id=parse_person_id(person_id, "--person-id"),
        secret_ref=_file(key_file),
        quota=quota,
        every=_interval(every, "--every"),
        reconcile_every=_interval(reconcile_every, "--reconcile-every"),
        attachments_to=None if attachments_to is None else target_url(attachments_to, "--attachments-to"),
    )
    database = database_url_file and _file(database_url_file)
    with open_cluster(settings) as cluster_url:
        transact(cluster_url, registry.add, account, database)
    click.echo(f"Added {login} of {org}; workers begin within {PLAN_EVERY.total_seconds():g} s.")


def _file(path: str) -> str:
    """The full path of a file; a warning if this machine lacks it, because only workers need it."""
    full = Path(path).expanduser().absolute()
    if not full.is_file() and not path.startswith(("/", "~")):  # it may be the secret itself, which must not be stored
        raise SettingsError(
            "A file with a secret is not on this machine; give its full path, as in /etc/pyrus-etl/key."
        )
    if not full.is_file():
        click.echo(f"pyrus-etl: {full} is not a file on this machine; each worker needs it on its own.", err=True)
    return str(full)


def _interval(text: str, option: str) -> timedelta:
    interval = parse_interval(text, option)
    return max(interval, timedelta(seconds=1))


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
        _defer_now(url, transact(url, registry.resume, org))


@cluster.command()
@org_argument()
@with_settings(*DATABASE_SETTINGS)
def run(org: str | None) -> None:
    """Make the accounts of an organisation, or all, due now.

    \b
    Example:  pyrus-etl cluster run acme
    """
    with open_cluster(read_settings()) as url:
        _defer_now(url, transact(url, registry.run_now, org))


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
    async def work(engine: Engine) -> int:
        return sum([await engine.cancel(name) for name in names])

    return _with_queue(url, work)


def _defer_now(url: Secret, names: Sequence[Name]) -> None:
    """Puts what is due into the queue at once; a worker would do it within seconds."""
    jobs = [job for job in transact(url, accounts.due, REVISION) if job.account in names]
    _with_queue(url, lambda engine: defer_all(engine, jobs))
    _say("Due now:", names)


def _with_queue(url: Secret, work: Callable[[Engine], Awaitable[int]]) -> int:
    async def opened() -> int:
        async with Engine(url) as engine:
            return await work(engine)

    return asyncio.run(opened())


def _say(did: str, names: Sequence[Name]) -> None:
    click.echo(f"{did} {_listed(names)}.")


def _listed(names: Sequence[Name]) -> str:
    return ", ".join(map(str, names)) if names else "no account"


@cluster.command()
@json_option
@with_settings(*DATABASE_SETTINGS)
def status(as_json: bool) -> None:
    """Show organisations and accounts, how their last work ended and when the next is due, the queue and the workers.

    \b
    Example:  pyrus-etl cluster status
    """
    with open_cluster(read_settings()) as url:
        state = transact(url, registry.overview)
        jobs = transact(url, counts)
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
    return f"{instant:%Y-%m-%d %H:%M:%S}"
