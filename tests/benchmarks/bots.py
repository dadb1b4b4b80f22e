"""Several bots, each with its quota: a backfill over all of them; half of the tasks are seen by all."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pyrus_etl.sandbox import Sandbox
from pyrus_etl.sandbox import World as Organisation
from pyrus_etl.sandbox.organisation.people import ACCOUNT, EVERYBODY
from tests.benchmarks.figure import Figure
from tests.benchmarks.stand import Stand, program

BOTS = {"bot1": ACCOUNT.id, "bot2": EVERYBODY[1].id, "bot3": EVERYBODY[2].id, "bot4": EVERYBODY[21].id}
PERIOD = 30.0
FETCHED = "SELECT count(*) FROM pyrus.raw_tasks"


def bots(stand: Stand, tasks: int, per_period: int) -> Iterator[Figure]:
    """The time that the quotas of all bots together allow, and the requests. The sandbox runs in this process."""
    with _config(tasks, per_period) as (sandbox, config), stand.database("bench_bots") as database:
        ran = program("backfill", "--json", "--config", config, database=database, PYRUS_ETL_QUOTA="").report
        stored = stand.asked(database, FETCHED)
        fetched, requests = len(sandbox.requests.fetched), sum(sandbox.requests.endpoints.values())
    assert stored == tasks, f"{stored} of {tasks} tasks are stored"
    seconds = (max(map(_ended, ran["accounts"])) - min(map(_began, ran["accounts"]))).total_seconds()
    ideal = tasks / len(BOTS) / per_period * PERIOD
    what = f"backfill of {tasks:,} tasks with {len(BOTS)} bots"
    yield Figure(what, seconds, "s")
    yield Figure("the ideal time, of it", ideal / seconds, "×", "≥ 0.9", ideal >= 0.9 * seconds)
    yield Figure("requests", requests / tasks, "/task", "≤ 1.02", requests <= 1.02 * tasks)
    yield Figure("tasks fetched twice", fetched - stored, "", "0", fetched == stored)


def _began(account: dict[str, str]) -> datetime:
    return datetime.fromisoformat(account["started_at"])


def _ended(account: dict[str, str]) -> datetime:
    return datetime.fromisoformat(account["finished_at"])


@contextmanager
def _config(tasks: int, per_period: int) -> Iterator[tuple[Sandbox, str]]:
    """A sandbox that serves the bots over API v4, and a config file that names them."""
    organisation = Organisation(1, tasks=tasks, forms=8)
    for place, task_id in enumerate(organisation.task_ids()):
        if place % 2:
            for person in [*BOTS.values()][: place // 2 % len(BOTS)] + [*BOTS.values()][place // 2 % len(BOTS) + 1 :]:
                organisation.hide(task_id, person)
    logins = {name: f"{name}@northlight.example" for name in BOTS}
    others = {logins[name]: person for name, person in BOTS.items()}
    server = Sandbox(organisation, api="v4", gzip=False, accounts=others, keep_ids=2 * tasks)
    with server as sandbox, tempfile.TemporaryDirectory() as folder:
        key, config = Path(folder, "key"), Path(folder, "bots.toml")
        key.write_text(sandbox.options.security_key)
        sections = [
            f'[accounts.{name}]\nlogin = "{login}"\nsecurity_key_file = "{key}"' for name, login in logins.items()
        ]
        shared = f'[pyrus]\nurl = "{sandbox.url}"\nquota = "{per_period}/{PERIOD:g}s"'
        config.write_text("\n".join([shared, *sections]))
        yield sandbox, str(config)
