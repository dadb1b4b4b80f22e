"""Oversized answers: small bodies that unpack to gigabytes, and bodies that never end. Memory stays bounded."""

import gzip
import itertools
from collections.abc import Callable
from functools import cache

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.measured import Ended
from tests.processes import started
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

GIB = 1 << 30
MOST_MEMORY = GIB // 2
ROWS = b'{"Id": 7, "Text": "again"},' * 2000


@cache
def bomb() -> Reply:
    """Four gigabytes of text in four megabytes: gzip allows several members in a row."""
    opened, part = gzip.compress(b'{"TaskWithNotes": {"Text": "'), gzip.compress(b"a" * (1 << 24))
    return Reply(200, opened + part * (4 * GIB >> 24), {"Content-Encoding": "gzip"})


def endless() -> Reply:
    return Reply(200, parts=itertools.chain([b'{"Tasks": ['], itertools.repeat(ROWS)))


LARGE = [bomb, endless]


def synced(sandbox: Sandbox, database: Secret, large: Callable[[Asked], Reply | None]) -> Ended:
    """A sync from a server with some oversized answers."""
    with (
        in_front_of(sandbox, large) as server,
        started("sync", sandbox=sandbox, database=database, PYRUS_URL=server.url) as process,
    ):
        output = process.communicate()
        return Ended(process.wait(), *output, process.memory())


@pytest.mark.parametrize("large", LARGE)
def test_an_oversized_task_is_set_aside(database: Secret, query: Query, large: Callable[[], Reply]) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox:
        bad = f"/restapi/v3/task/{sandbox.world.task_ids()[3]}"
        ended = synced(sandbox, database, lambda asked: large() if asked.path == bad else None)

    assert ended.code == 6, ended.stderr
    assert ended.memory < MOST_MEMORY
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(19,)]
    assert query(database, "SELECT stage FROM pyrus.sync_errors") == [("fetch",)]


@pytest.mark.parametrize("endpoint", ["getaccesstoken", "inbox", "searchtasks", "alltasks", "contacts"])
@pytest.mark.parametrize("large", LARGE)
def test_any_other_oversized_answer_is_4_in_a_sentence(
    database: Secret, large: Callable[[], Reply], endpoint: str
) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox:
        ended = synced(sandbox, database, lambda asked: large() if endpoint in asked.path else None)

    assert ended.code == 4, ended.stderr
    rows_without_end = large is endless and endpoint in ("inbox", "alltasks")
    assert ("more than 1000000 tasks" if rows_without_end else "more than 64 MiB") in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    assert ended.memory < MOST_MEMORY
