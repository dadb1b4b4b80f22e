"""The figures of a cluster for Prometheus, read from its database: the same, whichever process shows them."""

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

from aiohttp import web
from prometheus_client import Metric

from pyrus_etl.cluster.database import in_cluster
from pyrus_etl.cluster.engine_tables import counts
from pyrus_etl.cluster.kinds import KINDS
from pyrus_etl.cluster.names import SILENCE
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.serve.exposition import exposed, gauge
from pyrus_etl.serve.http import shown_to_all
from pyrus_etl.serve.looks import Shared
from pyrus_etl.settings import Secret

Rows = Sequence[tuple[Any, ...]]

STATUSES = ("waiting", "running")
_ACCOUNT = ("org", "login")
_GAUGES = (
    ("at_work", "1 while a worker is at work on the account, else 0."),
    ("paused", "1 if the account or its organisation is paused, else 0."),
    ("overdue_seconds", "For how long work of the account has been due, and nobody has begun it."),
    ("failures", "Slices of the account that failed in a row."),
    ("deaths", "Slices of the account in a row whose worker died."),
    ("last_exit", "Exit code of the account's last slice; missing if its worker died."),
    ("last_ended_timestamp_seconds", "When the account's last slice ended, in seconds since 1970."),
)
_ACCOUNTS: LiteralString = """
    SELECT org, login, claim IS NOT NULL, is_paused,
        CASE WHEN claim IS NULL AND NOT is_paused
             THEN greatest(0, extract(epoch FROM clock_timestamp() - least(next_at, files_at, hinted_at)))
             ELSE 0 END::float8,
        failures, deaths, last_exit, extract(epoch FROM last_ended_at)::float8
    FROM pyrus_cluster.accounts JOIN pyrus_cluster.organisations USING (org)
    CROSS JOIN LATERAL (VALUES (accounts.paused_at IS NOT NULL OR organisations.paused_at IS NOT NULL))
        AS pause (is_paused)
"""
_WORKERS: LiteralString = f"""
    SELECT name, worker.version, seen_at > clock_timestamp() - interval '{SILENCE}', worker.accounts, (
        SELECT count(*) FROM pyrus_cluster.accounts WHERE claim IS NOT NULL AND claimed_by = worker.name
    )
    FROM pyrus_cluster.workers AS worker
"""  # noqa: S608 -- a constant


def worker_routes(cluster: Secret) -> list[web.RouteDef]:
    """The paths of a worker; `cluster`: the URL of the cluster's database."""
    return shown_to_all(Shared(lambda: in_cluster(cluster, cluster_metrics)))


def cluster_metrics(connection: Connection) -> bytes:
    """Returns all figures in the text format; `connection` only reads."""
    return exposed(_families(connection))


def _families(connection: Connection) -> Iterator[Metric]:
    accounts = connection.execute(_ACCOUNTS).fetchall()
    for column, (name, about) in enumerate(_GAUGES, len(_ACCOUNT)):
        rows = [(*row[: len(_ACCOUNT)], row[column]) for row in accounts if row[column] is not None]
        yield _gauge(f"account_{name}", about, _ACCOUNT, rows)
    jobs = {(kind, status): 0 for kind in KINDS for status in STATUSES}
    jobs |= {(job["kind"], job["status"]): job["jobs"] for job in counts(connection)}
    yield _gauge("jobs", "Jobs in the queue.", ("kind", "status"), [(*key, number) for key, number in jobs.items()])
    workers = connection.execute(_WORKERS).fetchall()
    alive = [(name, version, is_alive) for name, version, is_alive, *_ in workers]
    yield _gauge("worker_alive", "1 while the worker reports that it is alive, else 0.", ("worker", "version"), alive)
    places = [(name, most) for name, _, _, most, _ in workers]
    yield _gauge("worker_places", "Accounts that the worker works on at once, at most.", ("worker",), places)
    busy = [(name, number) for name, *_, number in workers]
    yield _gauge("worker_accounts", "Accounts that the worker is at work on.", ("worker",), busy)


def _gauge(name: str, about: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    return gauge(f"cluster_{name}", about, labels, rows)
