"""`cluster add`: an account of an organisation."""

import re
from datetime import timedelta
from pathlib import Path

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, read_settings, with_settings
from pyrus_etl.cluster import registry
from pyrus_etl.cluster.database import open_cluster, transact
from pyrus_etl.cluster.duty import PLAN_EVERY
from pyrus_etl.cluster.registry import NewAccount
from pyrus_etl.errors import SettingsError
from pyrus_etl.files.target import target_url
from pyrus_etl.settings import parse_interval, parse_quota
from pyrus_etl.settings.parse import parse_api, parse_origin, parse_person_id

ORG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


@click.command(name="add")
@click.argument("org", metavar="ORG")
@click.option("--database-url-file", metavar="FILE", help="File with the URL of the organisation's database.")
@click.option("--login", metavar="TEXT", required=True, help="E-mail of the person or bot to log in as.")
@click.option("--key-file", metavar="FILE", required=True, help="File with the security key of the login.")
@click.option("--api", metavar="TEXT", default="", help="v4, the API of live accounts, or v3, the restapi.")
@click.option("--url", metavar="TEXT", default="https://pyrus.com", show_default=True, help="Origin of Pyrus.")
@click.option("--client-id", metavar="TEXT", help="Id of the application registered in Pyrus; v3 only.")
@click.option("--person-id", metavar="TEXT", default="", help="Id of the person, if several share the login.")
@click.option("--every", metavar="DURATION", default="15m", show_default=True, help="Sync at this interval.")
@click.option(
    "--reconcile-every", metavar="DURATION", default="24h", show_default=True, help="Take a census at this interval."
)
@click.option("--quota", metavar="TEXT", default="5000/600s", show_default=True, help="Maximum requests per period.")
@click.option("--attachments-to", metavar="URL", help="Also store attachments in s3://…, gs://…, az://… or a folder.")
@with_settings(*DATABASE_SETTINGS)
def add_command(
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
