"""Waits for the quota, ours and Pyrus's: announced, bounded, and ended by a budget or a signal."""

import json
import re
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.processes import eventually, started
from tests.runs import program
from tests.scripted import Asked, Reply, in_front_of, passed_on
from tests.typing import Query

UNTIL = re.compile(r"waits for (?:the|Pyrus's) quota until (?:[\d-]+ )?(\d\d:\d\d:\d\d) UTC")
HOUR = timedelta(hours=1)
Script = Callable[[Asked], Reply | None]


def refusing(**headers: str) -> Script:
    """429 for every task."""
    reply = Reply(429, b"{}", {name.replace("_", "-"): value for name, value in headers.items()})
    return lambda asked: reply if "/task/" in asked.path else None


def exhausted(sandbox: Sandbox, reset: str) -> Script:
    """Good answers that leave no request in the quota."""

    def answer(asked: Asked) -> Reply:
        reply = passed_on(sandbox, asked)
        return reply._replace(headers={**reply.headers, "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})

    return answer


def end_of_wait(stderr: str) -> timedelta:
    """The time from now to the announced end of the wait."""
    found = UNTIL.search(stderr)
    assert found, stderr
    hour, minute, second = map(int, found[1].split(":"))
    now = datetime.now(UTC)
    until = now.replace(hour=hour, minute=minute, second=second)
    return until - now + (timedelta(days=1) if until < now - timedelta(hours=12) else timedelta())


def stopped_as_it_waits(*options: str, **given: Any) -> tuple[str, str]:
    """What a sync prints and logs that is stopped when it has announced a wait."""
    with started("sync", *options, **given) as process:
        eventually(lambda: UNTIL.search(process.logged()))
        process.send_signal(signal.SIGTERM)
        printed = process.communicate()

        assert process.returncode == 143
        return printed


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After": "86400"},
        {"Retry_After": "Fri, 31 Dec 2060 00:00:00 GMT"},
        {"X_RateLimit_Reset": "2871763200"},
        {"X_RateLimit_Reset": "2871763200000"},
    ],
)
def test_a_wait_that_the_server_asks_for_is_announced_and_cut_short_at_an_hour(
    database: Secret, headers: dict[str, str]
) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox, in_front_of(sandbox, refusing(**headers)) as server:
        printed, log = stopped_as_it_waits("--json", sandbox=sandbox, database=database, PYRUS_URL=server.url)

    assert json.loads(printed)["status"] == "partial"
    assert HOUR - timedelta(minutes=2) < end_of_wait(log) <= HOUR
    assert "we wait for an hour in total" in log
    assert "20 of 20 tasks left" in log
    assert len(UNTIL.findall(log)) == 1


@pytest.mark.parametrize("reset", ["86400", "2871763200"])
def test_a_good_answer_with_no_request_left_causes_the_same_wait(database: Secret, reset: str) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox, in_front_of(sandbox, exhausted(sandbox, reset)) as server:
        _, log = stopped_as_it_waits(sandbox=sandbox, database=database, PYRUS_URL=server.url)

        assert server.paths == ["/restapi/getaccesstoken"]
    assert HOUR - timedelta(minutes=2) < end_of_wait(log) <= HOUR


@pytest.mark.parametrize("garbage", ["0", "-1", "nan", "1e300", "soon", ""])
def test_a_refusal_without_a_time_is_retried_less_and_less_often(database: Secret, garbage: str) -> None:
    with Sandbox(World(1, tasks=200)) as sandbox, in_front_of(sandbox, refusing(Retry_After=garbage)) as server:
        process = program("sync", "--max-time", "4s", sandbox=sandbox, database=database, PYRUS_URL=server.url)
        tasks = sum("/task/" in path for path in server.paths)

    assert process.returncode == 0, process.stderr
    assert tasks <= 16 * 8


def test_a_signal_ends_a_wait_at_once(database: Secret, query: Query) -> None:
    with (
        Sandbox(World(1, tasks=20)) as sandbox,
        in_front_of(sandbox, refusing(Retry_After="600")) as server,
        started("sync", sandbox=sandbox, database=database, PYRUS_URL=server.url) as process,
    ):
        eventually(lambda: any("/task/" in path for path in server.paths))
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)

        assert process.wait(60) == 143
    assert query(database, "SELECT status FROM pyrus.sync_runs") == [("partial",)]


def test_a_wait_for_our_own_quota_is_announced_with_the_tasks_and_the_time_left(database: Secret) -> None:
    with Sandbox(World(1, tasks=100)) as sandbox:
        _, log = stopped_as_it_waits(sandbox=sandbox, database=database, PYRUS_ETL_QUOTA="20/10m")

    (line,) = (line for line in log.splitlines() if UNTIL.search(line))
    assert timedelta(minutes=8) < end_of_wait(line) < timedelta(seconds=601)
    left = re.search(r"; (\d+) of 100 tasks left, about (\d+) min at 20 requests per 600 s$", line)
    assert left, line
    assert int(left[1]) >= 80
    assert 40 <= int(left[2]) <= 50
