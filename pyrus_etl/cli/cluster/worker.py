"""`worker`: one of several processes that keep the accounts of a cluster up to date."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import click

from pyrus_etl.cli.address import parse_address
from pyrus_etl.cli.interpreter import suit_many_rows
from pyrus_etl.cli.options import read_settings, with_settings
from pyrus_etl.cluster.database import open_cluster
from pyrus_etl.cluster.duty import MOST_ACCOUNTS, Duty, own_name
from pyrus_etl.cluster.kinds import KINDS
from pyrus_etl.cluster.slices import SLICE
from pyrus_etl.errors import SettingsError
from pyrus_etl.serve.aside import aside
from pyrus_etl.serve.cluster_metrics import worker_routes
from pyrus_etl.serve.http import Address, listening
from pyrus_etl.settings import Secret, Settings, parse_interval
from pyrus_etl.sync.run import Budget
from pyrus_etl.sync.stop import Stop, stopped_by_signals

log = logging.getLogger(__name__)


@click.command()
@click.option(
    "--accounts",
    type=click.IntRange(1, 100),
    default=MOST_ACCOUNTS,
    show_default=True,
    help="The most accounts to work on at once; each has a connection.",
)
@click.option("--only", metavar="KINDS", help=f"Take only these jobs, of {', '.join(KINDS)}; default: all.")
@click.option("--name", metavar="TEXT", help="Name in the log and in cluster status; default: host and process.")
@click.option("--listen", metavar="ADDRESS", help="Show /healthz and /metrics (Prometheus), e.g. at 127.0.0.1:9090.")
@click.option("--slice", "slice_", metavar="DURATION", default="5m", show_default=True, help="Time of a slice of work.")
@with_settings("sync", "selection", "privacy", "alerts", "log")
def worker(accounts: int, only: str | None, name: str | None, listen: str | None, slice_: str) -> int:
    """Keep the accounts of the cluster up to date: one of as many processes, on as many machines, as you like.

    It takes accounts that are due from the queue, and works on each for five minutes at most: first what webhooks
    named, then changes, then what is still to be fetched for the first time, then contents of attachments. A worker
    that is killed or frozen is replaced within 20 seconds. SIGTERM ends it after the work in hand is committed. While
    the cluster's database is away it tries again, also at the start.

    With --listen it shows the figures of the whole cluster, which are the same at all workers.

    \b
    Examples:  pyrus-etl worker
               pyrus-etl worker --accounts 10 --only hints,sync
    """
    duty = Duty(name or own_name(), accounts, parse_kinds(only), _budget(slice_))
    address = parse_address(listen) if listen else None
    settings = read_settings()
    import pyrus_etl.cluster.worker  # noqa: F401 -- fails here without the extra; help does without its packages

    suit_many_rows()
    with open_cluster(settings) as url:
        return asyncio.run(_until_stopped(settings, url, duty, address))


async def _until_stopped(settings: Settings, url: Secret, duty: Duty, address: Address | None) -> int:
    from pyrus_etl.cluster.worker import work

    stop = Stop()
    with stopped_by_signals(stop):
        async with _shown(url, address):
            await work(settings, url, duty, stop)
    return stop.reason.exit_code if stop.reason else 0


@asynccontextmanager
async def _shown(url: Secret, address: Address | None) -> AsyncIterator[None]:
    """Shows how the cluster does during the block, if there is an address."""
    if address is None:
        yield
        return
    async with aside(partial(listening, worker_routes(url), address)) as where:
        log.info("listening on http://%s", where)
        yield


def parse_kinds(text: str | None) -> tuple[str, ...]:
    """The kinds of jobs in a list such as hints,sync; all without one. Raises SettingsError."""
    if text is None:
        return KINDS
    kinds = tuple(each.strip() for each in text.split(",") if each.strip())
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise SettingsError(f"--only: {text[:80]!r} is not a list of {', '.join(KINDS)}; write it like hints,sync.")
    return kinds


def _budget(text: str) -> Budget:
    return SLICE._replace(seconds=parse_interval(text, "--slice").total_seconds())
