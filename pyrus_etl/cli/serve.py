"""`serve`: one process that stays."""

import asyncio
import logging
from functools import partial

import click

from pyrus_etl.cli.address import parse_address
from pyrus_etl.cli.interpreter import suit_many_rows
from pyrus_etl.cli.options import RUN_SETTINGS, account_option, read_settings, with_settings
from pyrus_etl.cli.terminal.progress import progress_logged
from pyrus_etl.errors import SettingsError
from pyrus_etl.files.target import target_url
from pyrus_etl.serve.http import Address
from pyrus_etl.serve.process import serve as serve_until_stopped
from pyrus_etl.serve.schedule import Schedule
from pyrus_etl.settings import Secret, Settings, is_loopback, parse_interval

log = logging.getLogger(__name__)


@click.command()
@click.option("--listen", metavar="ADDRESS", default="127.0.0.1:8080", show_default=True, help="Address and port.")
@click.option("--every", metavar="DURATION", default="5m", show_default=True, help="Sync at this interval.")
@click.option(
    "--reconcile-every", metavar="DURATION", default="24h", show_default=True, help="Take a census at this interval."
)
@click.option(
    "--attachments-to", metavar="URL", help="Also store new attachments in a folder, s3://…, gs://… or az://…."
)
@click.option("--page/--no-page", "has_page", default=True, show_default=True, help="Show the reports as a page at /.")
@click.option("--cluster", "is_beside_cluster", is_flag=True, help="Only take webhooks: workers fetch the tasks.")
@account_option
@with_settings(*RUN_SETTINGS)
def serve(
    listen: str,
    every: str,
    reconcile_every: str,
    attachments_to: str | None,
    has_page: bool,
    is_beside_cluster: bool,
) -> int:
    """Keep the database up to date, and show how that goes: one process that stays.

    It syncs again and again, reconciles once a day and updates the views when a form changes. It tries again by itself
    after any fault. It answers /healthz, /readyz and /metrics (Prometheus), and shows the reports as a page at /; set
    PYRUS_ETL_PAGE_PASSWORD to protect it. At /webhook it takes a bot's webhooks, and fetches their tasks at once. Of
    several accounts, each has its own schedule. With --cluster it runs nothing itself: it tells the workers of the
    cluster in PYRUS_ETL_CLUSTER_URL which tasks to fetch.

    \b
    Examples:  pyrus-etl serve
               pyrus-etl serve --listen 0.0.0.0:8080 --every 2m --attachments-to s3://bucket/pyrus
    """
    address = parse_address(listen)
    schedule = Schedule(
        parse_interval(every, "--every"),
        parse_interval(reconcile_every, "--reconcile-every"),
        None if attachments_to is None else target_url(attachments_to, "--attachments-to"),
    )
    settings = read_settings()
    _require_login(settings)
    cluster = _cluster_of(settings) if is_beside_cluster else None
    if has_page and (warning := exposure(address, settings)):
        log.warning("%s", warning)
    suit_many_rows()
    watch = partial(partial, progress_logged)
    serving = serve_until_stopped(settings, schedule, address, has_page=has_page, cluster=cluster, watch=watch)
    reason = asyncio.run(serving)
    return reason.exit_code if reason else 0


def exposure(address: Address, settings: Settings) -> str | None:
    """A warning if others than this machine may read the page."""
    if settings.page_password or is_loopback(address.host):
        return None
    return f"everybody who reaches {address} can read the page; set PYRUS_ETL_PAGE_PASSWORD, or give --no-page"


def _cluster_of(settings: Settings) -> Secret:
    if settings.cluster_url is None:
        raise SettingsError("--cluster needs the database of the cluster; set PYRUS_ETL_CLUSTER_URL.")
    return settings.cluster_url


def _require_login(settings: Settings) -> None:
    """Refuses to start without a login: nothing would ever work."""
    if settings.accounts:
        return
    if not settings.access_token and not (settings.login and settings.security_key):
        raise SettingsError(
            "No login is given: set PYRUS_LOGIN and PYRUS_SECURITY_KEY, or PYRUS_ACCESS_TOKEN; or run pyrus-etl login."
        )
