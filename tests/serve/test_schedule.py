"""One process that stays: what it runs when, and that no fault ends it."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from pyrus_etl.cli.address import parse_address
from pyrus_etl.errors import CensusDoubted, DatabaseUnavailable, LockHeld, LoginRefused, PyrusUnreachable, SettingsError
from pyrus_etl.files.target import target_url
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.serve.http import Address
from pyrus_etl.serve.outlook import Outlook
from pyrus_etl.settings import Retry, Secret
from tests.conftest import settings_for
from tests.processes import eventually, launched
from tests.runs import program
from tests.serving import OFTEN, Serving
from tests.typing import Query

RUNS = "SELECT kind, status FROM pyrus.sync_runs WHERE finished_at IS NOT NULL ORDER BY run_id"
STORED = "SELECT deleted_at IS NOT NULL FROM pyrus.tasks WHERE task_id = %s"
USERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
VIEWS = "SELECT count(*) > 0 FROM pg_views WHERE schemaname = 'pyrus_report' AND viewname LIKE 'form%'"


def test_it_keeps_up_with_one_login_and_takes_a_census_when_one_is_due(database: Secret, query: Query) -> None:
    world = World(1, tasks=10, forms=1)
    with Sandbox(world) as sandbox, Serving(settings_for(sandbox, database, PYRUS_API="v4"), OFTEN) as served:
        eventually(lambda: served.get("/readyz").status == 200)
        (created,) = world.create()
        eventually(lambda: query(database, STORED, created) == [(False,)])
        assert {kind for kind, _ in query(database, RUNS)} == {"sync"}, (
            "the first census is due a day after the first run"
        )
        assert query(database, VIEWS) == [(True,)]

        world.delete(created)
        query(database, "UPDATE pyrus.sync_runs SET started_at = started_at - interval '2 days'")
        eventually(lambda: query(database, STORED, created) == [(True,)])
        eventually(lambda: ("reconcile", "ok") in query(database, RUNS))
        assert sandbox.requests.logins == 1

        sandbox.revoke_tokens()
        eventually(lambda: sandbox.requests.logins == 2)
        before = len(query(database, RUNS))
        eventually(lambda: len(query(database, RUNS)) > before + 1)
        assert sandbox.requests.logins == 2

    runs = query(database, RUNS)
    assert {status for _, status in runs[:-1]} == {"ok"}
    assert [kind for kind, _ in runs].count("reconcile") == 1


def test_no_fault_ends_it(database: Secret, query: Query, impatient: None) -> None:
    """`/readyz` says why the data is not fresh; when the cause is gone, all is well again by itself."""
    well, version = "The last sync ended well.", "UPDATE pyrus.alembic_version SET version_num = %s"
    ((name,),) = query(database, "SELECT current_database()")
    elsewhere = Secret(database.reveal().replace(name, "postgres"))
    with Sandbox(World(1, tasks=10)) as sandbox, Serving(settings_for(sandbox, database), OFTEN) as served:

        def becomes(status: int, reason: str) -> None:
            eventually(lambda: reason in (found := served.get("/readyz")).json["reason"] and found.status == status)
            assert served.get("/healthz").status == 200

        becomes(200, well)
        sandbox.down = True
        becomes(503, "The last sync failed: GET /restapi/profile is ")
        sandbox.down = False
        becomes(200, well)

        key = sandbox.options.security_key
        sandbox.reconfigure(security_key="another")
        sandbox.revoke_tokens()
        becomes(503, "The last sync failed: Pyrus refused the login")
        sandbox.reconfigure(security_key=key)
        becomes(200, well)

        query(database, version, "0001")
        becomes(503, "run pyrus-etl db upgrade")
        assert served.get("/metrics").status == 503
        query(database, version, REVISION)
        becomes(200, well)
        assert b"pyrus_etl_runs_total" in served.get("/metrics").body

        query(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        query(elsewhere, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)
        becomes(503, "The database cannot be used")
        query(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        becomes(200, well)


def test_no_run_fails_while_the_database_restarts(
    database: Secret, query: Query, impatient: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "pyrus_etl.serve.schedule")
    ((name,),) = query(database, "SELECT current_database()")
    elsewhere = Secret(database.reveal().replace(name, "postgres"))
    with Sandbox(World(1, tasks=10)) as sandbox:
        settings = settings_for(sandbox, database)
        patient = settings.waits._replace(outage=settings.waits.outage._replace(within=600))
        with Serving(replace(settings, waits=patient), OFTEN) as served:
            eventually(lambda: served.get("/readyz").status == 200)
            query(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            query(elsewhere, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)
            eventually(lambda: "waiting for the database" in caplog.text)
            query(elsewhere, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            eventually(lambda: served.get("/readyz").status == 200)

    failures = [each for each in caplog.records if each.name == "pyrus_etl.serve.outlook" and each.levelname != "INFO"]
    assert failures == []


def test_a_good_run_is_not_ready_for_ever(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=10)) as sandbox, Serving(settings_for(sandbox, database)) as served:
        eventually(lambda: served.get("/readyz").status == 200)
        query(database, "UPDATE pyrus.sync_runs SET finished_at = finished_at - interval '4 hours'")
        found = served.get("/readyz")

    assert found.status == 503
    assert found.json["reason"].startswith("The last good run ended 4:00:0")
    assert found.json["last_run"]["status"] == "ok"


def test_faults_that_pass_are_tried_again_soon_and_others_slowly() -> None:
    outlook = Outlook(every=300, soon=Retry(5, 300), slowly=600)
    lost = DatabaseUnavailable("The server restarts.", is_lost=True)

    assert outlook.pause(None) == 300
    assert outlook.pause(CensusDoubted("Many are missing.")) == 300
    assert [outlook.pause(error) for error in (PyrusUnreachable("down"), lost, LockHeld("cron"))] == [5, 10, 20]
    assert outlook.pause(None) == 300
    assert outlook.pause(LockHeld("cron")) == 5
    for error in (LoginRefused("The key is wrong."), DatabaseUnavailable("It is at revision 0001."), KeyError("a bug")):
        assert outlook.pause(error) == 600
    assert Outlook(every=3600, soon=Retry(5, 300), slowly=600).pause(LoginRefused("The key is wrong.")) == 3600


def test_a_signal_ends_it_within_seconds(database: Secret, query: Query) -> None:
    """A run under way ends as partial: its work in hand is committed."""
    with Sandbox(World(1, tasks=300)) as sandbox:
        sandbox.faults = Faults(slow=1.0, seconds=0.5)
        with launched("serve", "--listen", "127.0.0.1:0", sandbox=sandbox, database=database) as process:
            eventually(lambda: query(database, "SELECT true FROM pyrus.tasks LIMIT 1"))
            process.send_signal(signal.SIGTERM)

            assert process.wait(60) == 128 + signal.SIGTERM
    assert query(database, RUNS) == [("sync", "partial")]


def test_an_address_has_a_port() -> None:
    assert parse_address("127.0.0.1:8080") == Address("127.0.0.1", 8080)
    assert parse_address("[::1]:0") == Address("::1", 0)
    for wrong in ("8080", "localhost", "localhost:http", ":8080", "::1:8080", "localhost:65536"):
        with pytest.raises(SettingsError, match=r"is not an address with a port; write it like 127\.0\.0\.1:8080\.$"):
            parse_address(wrong)


def test_it_does_not_start_without_a_login_or_on_a_port_in_use(database: Secret) -> None:
    without = program("serve", "--every", "1m", database=database)
    with Sandbox(World(1, tasks=0)) as sandbox:
        taken = program("serve", "--listen", f"127.0.0.1:{sandbox.port}", sandbox=sandbox, database=database)

    assert without.returncode == taken.returncode == 2
    assert "No login is given: set PYRUS_LOGIN" in without.stderr
    assert f"--listen: cannot listen on 127.0.0.1:{sandbox.port}: " in taken.stderr


def test_it_fetches_attachments_if_asked(database: Secret, query: Query, tmp_path: Path) -> None:
    """Those that it has at its start, and new ones after each sync; not those again that it has, or was refused."""
    world, files = World(1, tasks=5, forms=1), "SELECT count(DISTINCT attachment_id) FROM pyrus.attachments"
    schedule = OFTEN._replace(attachments_to=target_url(str(tmp_path / "files"), "--attachments-to"))
    with Sandbox(world) as sandbox, Serving(settings_for(sandbox, database), schedule):
        eventually(lambda: ("download", "ok") in query(database, RUNS))
        before = query(database, files)
        world.edit(world.task_ids()[0], "attach")
        eventually(lambda: query(database, files) > before)
        eventually(lambda: [(len(list((tmp_path / "files").iterdir())),)] == query(database, files))
        runs = len(query(database, RUNS))
        eventually(lambda: len(query(database, RUNS)) > runs + 2)

    assert [kind for kind, _ in query(database, RUNS)].count("download") == 2
