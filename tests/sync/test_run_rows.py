"""Every run has its row in sync_runs, even one that never logs in."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pyrus_etl.errors import DatabaseUnavailable, LockHeld, LoginRefused, PyrusEtlError, PyrusUnreachable, SettingsError
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.forked import Running
from tests.processes import eventually, started
from tests.runs import program, sync
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

NOWHERE = "http://127.0.0.1:9"
ROWS = "SELECT kind, status, error, account_id IS NULL, login FROM pyrus.sync_runs ORDER BY run_id"
STATUS = "SELECT status FROM pyrus.sync_runs ORDER BY run_id"
FRESHNESS = "SELECT account_id, latest_status, complete_started_at IS NULL FROM pyrus_report.sync_freshness"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(1, tasks=10)) as running:
        yield running


def no_answer(asked: Asked) -> Reply | None:
    """Pyrus accepts the login and then does not answer for a while."""
    if asked.path.endswith("profile"):
        time.sleep(3)
    return None


@contextmanager
def logging_in(sandbox: Sandbox, database: Secret) -> Iterator[Running]:
    """A sync that has requested its profile."""
    with (
        in_front_of(sandbox, no_answer) as server,
        started("sync", sandbox=sandbox, database=database, PYRUS_URL=server.url) as process,
    ):
        eventually(lambda: any("profile" in path for path in server.paths))
        yield process


@pytest.mark.parametrize(
    ("environment", "error"),
    [
        ({"PYRUS_SECURITY_KEY": "wrong"}, LoginRefused),
        ({"PYRUS_ACCESS_TOKEN": "wrong"}, LoginRefused),
        ({"PYRUS_URL": NOWHERE}, PyrusUnreachable),
        ({"PYRUS_SECURITY_KEY": "", "PYRUS_LOGIN": "", "PYRUS_CLIENT_ID": ""}, SettingsError),
    ],
    ids=["the key is refused", "the token is refused", "nobody answers", "no login is set"],
)
def test_a_run_without_a_successful_login_has_its_row(
    sandbox: Sandbox,
    database: Secret,
    query: Query,
    impatient: None,
    environment: dict[str, str],
    error: type[PyrusEtlError],
) -> None:
    with pytest.raises(error) as raised:
        sync(sandbox, database, **environment)

    login = sandbox.options.login if error is not SettingsError and "PYRUS_ACCESS_TOKEN" not in environment else None
    assert query(database, ROWS) == [("sync", "failed", str(raised.value), True, login)]
    assert query(database, "SELECT finished_at >= started_at FROM pyrus.sync_runs") == [(True,)]


def test_a_run_whose_certificates_cannot_be_read_has_its_row(
    sandbox: Sandbox, database: Secret, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    with pytest.raises(SettingsError) as raised:
        sync(sandbox, database, PYRUS_URL="https://127.0.0.1:9")

    assert query(database, ROWS) == [("sync", "failed", str(raised.value), True, sandbox.options.login)]


@pytest.mark.parametrize("found", ["0017", "9999"], ids=["an older schema", "a newer schema"])
def test_a_run_at_another_revision_has_its_row(sandbox: Sandbox, database: Secret, query: Query, found: str) -> None:
    """As far as that revision has the columns: here a later one needs a column that this version does not know."""
    query(database, "UPDATE pyrus.alembic_version SET version_num = %s", found)
    query(database, "ALTER TABLE pyrus.sync_runs DROP COLUMN login CASCADE")
    with pytest.raises(DatabaseUnavailable) as raised:
        sync(sandbox, database)

    assert query(database, "SELECT kind, status, error FROM pyrus.sync_runs") == [("sync", "failed", str(raised.value))]
    query(database, "ALTER TABLE pyrus.sync_runs ADD COLUMN later text NOT NULL DEFAULT 'x'")
    query(database, "ALTER TABLE pyrus.sync_runs ALTER COLUMN later DROP DEFAULT")
    with pytest.raises(DatabaseUnavailable):
        sync(sandbox, database)


def test_a_run_whose_token_is_refused_in_the_middle_has_its_row(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    def revoked(asked: Asked) -> Reply | None:
        is_late = any("profile" in path for path in server.paths) and "profile" not in asked.path
        return (
            Reply(401, b'{"ApiException": {"Code": "InvalidCredentials", "Message": "revoked"}}') if is_late else None
        )

    with in_front_of(sandbox, revoked) as server, pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_URL=server.url)

    ((kind, status, error, is_without_account, _),) = query(database, ROWS)
    assert (kind, status, is_without_account) == ("sync", "failed", False)
    assert error.startswith("Pyrus refused the login")


@pytest.mark.parametrize("budget", [("--max-requests", "1"), ("--max-time", "1s")])
def test_a_run_whose_budget_is_spent_at_the_login_has_its_row(
    sandbox: Sandbox, database: Secret, query: Query, budget: tuple[str, str]
) -> None:
    with in_front_of(sandbox, no_answer) as server:
        ended = program("sync", *budget, sandbox=sandbox, database=database, PYRUS_URL=server.url)

    assert ended.returncode == 0
    ((kind, status, error, *_),) = query(database, ROWS)
    assert (kind, status, error) == ("sync", "partial", ended.stderr.strip().removeprefix("pyrus-etl: "))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_at_the_login_has_its_row(
    sandbox: Sandbox, database: Secret, query: Query, number: signal.Signals
) -> None:
    with logging_in(sandbox, database) as process:
        process.send_signal(number)

        assert process.wait(60) == 128 + number
    assert query(database, STATUS) == [("partial",)]


def test_a_run_that_is_killed_at_the_login_is_closed_by_a_later_one(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    with logging_in(sandbox, database) as process:
        process.kill()
    sync(sandbox, database)
    assert query(database, STATUS) == [("running",), ("ok",)]  # it may be logging in

    query(database, "UPDATE pyrus.sync_runs SET alive_at = alive_at - interval '1 minute'")
    sync(sandbox, database)
    assert query(database, STATUS) == [("failed",), ("ok",), ("ok",)]
    assert query(database, "SELECT error FROM pyrus.sync_runs WHERE account_id IS NULL") == [
        ("It ended without a report; it was probably killed.",)
    ]


def test_a_run_that_is_logging_in_reports_that_it_is_alive(sandbox: Sandbox, database: Secret, query: Query) -> None:
    with logging_in(sandbox, database):
        eventually(lambda: query(database, "SELECT max(alive_at - started_at) > '2s' FROM pyrus.sync_runs")[0][0])


def test_a_run_that_was_declared_dead_too_early_continues(sandbox: Sandbox, database: Secret, query: Query) -> None:
    def closed_by_another(asked: Asked) -> None:
        if asked.path.endswith("profile"):
            query(database, "UPDATE pyrus.sync_runs SET status = 'failed', finished_at = now(), error = 'killed?'")

    with in_front_of(sandbox, closed_by_another) as server:
        sync(sandbox, database, PYRUS_URL=server.url)

    assert query(database, ROWS)[0][:4] == ("sync", "ok", None, False)


def test_a_run_that_ends_because_another_is_running_has_no_row(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    """It did nothing, and there is no error."""
    sync(sandbox, database)
    query(
        database,
        """
        INSERT INTO pyrus.sync_leases SELECT account_id, gen_random_uuid(), 'another', now(), now() + interval '1 hour'
        FROM pyrus.sync_runs
        """,
    )
    with pytest.raises(LockHeld):
        sync(sandbox, database)

    assert query(database, STATUS) == [("ok",)]


def test_failed_logins_count_for_the_last_account_of_the_login(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    sync(sandbox, database)
    ((account_id,),) = query(database, "SELECT account_id FROM pyrus.sync_runs")
    with pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_SECURITY_KEY="wrong")

    assert query(database, FRESHNESS) == [(account_id, "failed", False)]
    assert query(database, "SELECT account_id, status FROM pyrus_report.sync_history ORDER BY started_at") == [
        (account_id, "ok"),
        (account_id, "failed"),
    ]


def test_a_login_that_never_worked_has_a_row_of_its_own(sandbox: Sandbox, database: Secret, query: Query) -> None:
    with pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_SECURITY_KEY="wrong")

    assert query(database, FRESHNESS) == [(None, "failed", True)]


def test_status_says_when_the_last_good_run_was(sandbox: Sandbox, database: Secret, query: Query) -> None:
    assert "Last successful runs: none yet" in program("status", database=database).stdout

    sync(sandbox, database)
    query(database, "UPDATE pyrus.sync_runs SET finished_at = finished_at - interval '3 days'")
    with pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_SECURITY_KEY="wrong")
    shown = program("status", database=database).stdout

    assert "sync       failed" in shown
    assert "Pyrus refused the login" in shown
    assert "3 days ago, account " in shown


def test_no_secret_is_stored_in_a_row(sandbox: Sandbox, database: Secret, query: Query) -> None:
    """This also holds if the key is part of the login by mistake."""
    key = "canary key/7"
    with pytest.raises(LoginRefused):
        sync(sandbox, database, PYRUS_SECURITY_KEY=key, PYRUS_LOGIN=f"robot {key}")

    rows: list[Any] = query(database, "SELECT login || coalesce(error, '') FROM pyrus.sync_runs")
    assert rows
    assert not [row for row in rows if "canary" in row[0]]
