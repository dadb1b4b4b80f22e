"""PYRUS_ETL_ALERT_URL gets each event once, whatever process notices it, and no run fails or waits for it."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.errors import DatabaseUnavailable, LoginRefused, PyrusUnreachable
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.alerts import alerts
from tests.conftest import settings_for
from tests.runs import program, reconcile, sync
from tests.scripted import Asked, Reply, scripted
from tests.typing import Query

NOWHERE = "http://127.0.0.1:9"
AGED = """
    UPDATE pyrus.sync_runs SET started_at = started_at - interval '3 h', finished_at = finished_at - interval '3 h'
"""


class Receiver(NamedTuple):
    """What a URL for alerts gets. `status`: of its next answers."""

    url: str
    asked: list[Asked]
    status: list[int]

    @property
    def got(self) -> list[dict[str, Any]]:
        return [json.loads(each.body) for each in self.asked]

    @property
    def events(self) -> list[str]:
        return [each["event"] for each in self.got]


@contextmanager
def receiver() -> Iterator[Receiver]:
    status = [204]
    with scripted(lambda _: Reply(status[-1])) as server:
        yield Receiver(f"{server.url}/services/canary?token=canary", server.asked, status)


@pytest.fixture(autouse=True)
def _any_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lets a machine under load take its time, and keeps notes of failing runs out of the user's data folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(alerts, "LONGEST", 60.0)


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(1, tasks=10)) as running:
        yield running


def test_failing_and_recovered_are_sent_once_each(
    sandbox: Sandbox, database: Secret, query: Query, told: Receiver, impatient: None
) -> None:
    """Also if the first failures have no account yet, and later ones have another cause."""
    alert = {"PYRUS_ETL_ALERT_URL": told.url}
    with pytest.raises(LoginRefused) as refused:
        sync(sandbox, database, PYRUS_SECURITY_KEY="wrong", **alert)
    with pytest.raises(PyrusUnreachable):
        sync(sandbox, database, PYRUS_URL=NOWHERE, **alert)
    assert told.events == ["failing"]

    sync(sandbox, database, **alert)
    sync(sandbox, database, **alert)
    assert told.events == ["failing", "recovered"]

    with pytest.raises(PyrusUnreachable):
        sync(sandbox, database, PYRUS_URL=NOWHERE, **alert)
    reconcile(sandbox, database)  # by a process that knows no URL: the next one that does sends it
    sync(sandbox, database, **alert)
    assert told.events == ["failing", "recovered", "failing", "recovered"]

    runs = query(database, "SELECT run_id::text, status FROM pyrus.sync_runs ORDER BY run_id")
    first, second = told.got[:2]
    assert [first["run_id"], second["run_id"]] == [runs[0][0], runs[2][0]]
    assert (first["error"], second["error"]) == (str(refused.value), None)
    assert len({each["alert_id"] for each in told.got}) == 4
    assert {each.headers["Content-Type"].partition(";")[0] for each in told.asked} == {"application/json"}
    assert "canary" not in json.dumps(told.got)


def test_an_event_is_sent_until_it_is_taken_in_its_order(
    sandbox: Sandbox, database: Secret, query: Query, told: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """A run that cannot send it ends as it would otherwise, and says so without the path of the URL."""
    told.status.append(500)
    alert = {"PYRUS_ETL_ALERT_URL": told.url}
    with pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_SECURITY_KEY="wrong", **alert)
    assert sync(sandbox, database, **alert).status == "ok"

    assert set(told.events) == {"failing"}
    (warning, *_) = [line for line in caplog.messages if "alerts were not sent" in line]
    assert "127.0.0.1 answers 500; check PYRUS_ETL_ALERT_URL" in warning
    assert "canary" not in caplog.text

    told.asked.clear()
    told.status.append(200)
    sync(sandbox, database, **alert)
    assert told.events == ["failing", "recovered"]
    assert query(database, "SELECT count(*) FROM pyrus.sync_alerts WHERE sent_at IS NULL") == [(0,)]


def test_a_kill_between_sending_and_recording_loses_nothing(
    sandbox: Sandbox, database: Secret, query: Query, told: Receiver
) -> None:
    """The event is sent again, with the same id, when the process that was sending it has been silent for a minute."""
    alert = {"PYRUS_ETL_ALERT_URL": told.url}
    with pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_SECURITY_KEY="wrong", **alert)
    query(database, "UPDATE pyrus.sync_alerts SET sent_at = NULL, claimed_at = now()")
    sync(sandbox, database, **alert)
    assert told.events == ["failing"]

    query(database, "UPDATE pyrus.sync_alerts SET claimed_at = now() - interval '61 s' WHERE claimed_at IS NOT NULL")
    sync(sandbox, database, **alert)
    assert told.events == ["failing", "failing", "recovered"]
    assert told.got[0] == told.got[1]


def test_processes_that_notice_an_event_together_send_it_once(
    sandbox: Sandbox, database: Secret, told: Receiver
) -> None:
    settings = settings_for(sandbox, database, PYRUS_ETL_ALERT_URL=told.url)
    with pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_SECURITY_KEY="wrong")

    async def at_once() -> None:
        await asyncio.gather(*(alerts.raise_alerts(settings, None) for _ in range(8)))

    asyncio.run(at_once())
    assert told.events == ["failing"]


def test_a_run_that_was_killed_has_failed(sandbox: Sandbox, database: Secret, query: Query, told: Receiver) -> None:
    """The next run sends it while it works, so that runs which are always killed do not stay unnoticed."""
    settings = settings_for(sandbox, database, PYRUS_ETL_ALERT_URL=told.url)
    sync(sandbox, database)
    query(database, "UPDATE pyrus.sync_runs SET status = 'running', finished_at = NULL")
    asyncio.run(alerts.raise_alerts(settings, None))
    assert told.events == []

    query(database, f"{AGED}, alive_at = alive_at - interval '3 h'")
    asyncio.run(alerts.raise_alerts(settings, None))
    assert [(each["event"], each["error"]) for each in told.got] == [
        ("failing", "It ended without a report; it was probably killed.")
    ]


def test_data_are_stale_once_until_a_good_run(sandbox: Sandbox, database: Secret, query: Query, told: Receiver) -> None:
    alert = {"PYRUS_ETL_ALERT_URL": told.url}
    sync(sandbox, database)
    query(database, AGED)
    for _ in range(2):
        ended = program("status", "--max-age", "1h", "--quiet", database=database, PYRUS_ETL_ALERT_URL=told.url)
        assert (ended.returncode, told.events) == (8, ["stale"])
    assert told.got[0]["error"].startswith("The last good run of account ")

    with pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_SECURITY_KEY="wrong", PYRUS_ETL_STALE_AFTER="1h", **alert)
    assert told.events == ["stale", "failing"]
    sync(sandbox, database, PYRUS_ETL_STALE_AFTER="1h", **alert)
    assert told.events == ["stale", "failing", "recovered"]


def test_a_doubted_census_is_sent_once_until_a_good_one(
    sandbox: Sandbox, database: Secret, query: Query, told: Receiver
) -> None:
    """It is neither a failure nor a recovery."""
    sync(sandbox, database)
    settings = settings_for(sandbox, database, PYRUS_ETL_ALERT_URL=told.url)
    vanished = "UPDATE pyrus.sync_runs SET status = 'partial', error = 'many', error_type = 'CensusDoubted', kind = %s"
    query(database, vanished, "reconcile")
    for _ in range(2):
        asyncio.run(alerts.raise_alerts(settings, None))
    assert [(each["event"], each["error"]) for each in told.got] == [("census_doubted", "many")]

    reconcile(sandbox, database)
    asyncio.run(alerts.raise_alerts(settings, None))
    assert told.events == ["census_doubted"]


def test_a_url_that_does_not_answer_delays_a_run_by_a_few_seconds(
    sandbox: Sandbox, database: Secret, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(alerts, "LONGEST", 0.5)
    caplog.set_level("DEBUG", "pyrus_etl")  # the look before the run, which may find the alert first, warns nobody

    def silent(_: Asked) -> Reply:
        time.sleep(2)
        return Reply(204)

    with scripted(silent) as server, pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_SECURITY_KEY="wrong", PYRUS_ETL_ALERT_URL=server.url)

    assert "alerts were not sent in 0.5 seconds; the next run tries again" in caplog.text


def test_a_database_that_is_away_is_said_once_until_it_is_back(
    sandbox: Sandbox,
    database: Secret,
    query: Query,
    told: Receiver,
    impatient: None,
    tmp_path: Path,
) -> None:
    """It cannot be noted in the database, so a file in the data folder notes it."""
    alert = {"PYRUS_ETL_ALERT_URL": told.url}
    sync(sandbox, database, **alert)
    name = str(conninfo_to_dict(database.reveal())["dbname"])
    administrator = Secret(database.reveal().replace(name, "postgres"))
    query(administrator, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable) as away:
            sync(sandbox, database, **alert)
    assert [(each["event"], each["error"]) for each in told.got] == [("failing", str(away.value))]

    query(administrator, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    sync(sandbox, database, **alert)
    sync(sandbox, database, **alert)
    assert told.events == ["failing", "recovered"]
    assert not list(tmp_path.rglob("away-*"))
    assert query(database, "SELECT event, error FROM pyrus.sync_alerts ORDER BY alert_id") == [
        ("failing", str(away.value)),
        ("recovered", None),
    ]


def test_a_database_that_goes_away_while_runs_fail_is_no_further_event(
    sandbox: Sandbox, database: Secret, query: Query, told: Receiver, impatient: None, tmp_path: Path
) -> None:
    alert = {"PYRUS_ETL_ALERT_URL": told.url}
    with pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_SECURITY_KEY="wrong", **alert)
    name = str(conninfo_to_dict(database.reveal())["dbname"])
    administrator = Secret(database.reveal().replace(name, "postgres"))
    query(administrator, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    with pytest.raises(DatabaseUnavailable):
        sync(sandbox, database, **alert)
    query(administrator, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    sync(sandbox, database, **alert)

    assert told.events == ["failing", "recovered"]
    assert not list(tmp_path.rglob("away-*"))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://alerts.example/canary", ": plain http would send alerts unencrypted"),
        ("https://canary:canary@alerts.example/", " has a user"),
        ("canary", " is not a URL"),
    ],
)
def test_a_wrong_url_is_refused_without_showing_it(url: str, problem: str) -> None:
    ended = program("sync", PYRUS_ETL_ALERT_URL=url)

    assert ended.returncode == 2
    assert f"PYRUS_ETL_ALERT_URL{problem}" in ended.stderr
    assert "canary" not in ended.stderr
