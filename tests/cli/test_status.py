"""`status`, and `--max-age` for monitors: the exit code, a line that says why, and the same in JSON."""

import json

import pytest

from pyrus_etl.errors import LoginRefused
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import program, sync
from tests.typing import Query

AGED = "UPDATE pyrus.sync_runs SET started_at = started_at - interval '3 h', finished_at = finished_at - interval '3 h'"


def checked(database: Secret, *options: str) -> tuple[int, str, str]:
    ended = program("status", *options, database=database)
    return ended.returncode, ended.stdout, ended.stderr


def test_before_the_first_run_the_data_are_too_old(database: Secret) -> None:
    code, shown, why = checked(database, "--max-age", "1h", "--quiet")

    assert (code, shown) == (8, "")
    assert why == "pyrus-etl: No run has brought the tasks up to date yet; run pyrus-etl sync.\n"


def test_the_age_is_that_of_the_last_good_run(database: Secret, query: Query) -> None:
    """A run that fails later makes them no younger, and says why they are old."""
    with Sandbox(World(1, tasks=3)) as sandbox:
        sync(sandbox, database)
        assert checked(database, "--max-age", "1h", "--quiet") == (0, "", "")

        query(database, AGED)
        with pytest.raises(LoginRefused):
            sync(sandbox, database, PYRUS_SECURITY_KEY="wrong")
    ((account_id, refusal),) = query(
        database, "SELECT max(account_id), max(error) FROM pyrus.sync_runs HAVING count(*) = 2"
    )
    code, shown, why = checked(database, "--max-age", "1h")

    assert code == 8
    assert "Last runs, newest first:" in shown
    assert why.startswith(
        f"pyrus-etl: Longer than 60 minutes ago: the last good run of account {account_id} ended 3 hours ago"
    )
    assert why.endswith(f"its latest run failed: {refusal}\n")

    query(database, "UPDATE pyrus.sync_runs SET status = 'partial' WHERE status = 'failed'")
    assert f"its latest run stopped early: {refusal}" in checked(database, "--max-age", "1h")[2]
    assert checked(database, "--max-age", "4h", "--quiet") == (0, "", "")

    code, shown, why = checked(database, "--max-age", "1h", "--json")
    found = json.loads(shown)
    assert (code, found["exit_code"], f"pyrus-etl: {found['error']}\n") == (8, 8, why)
    assert json.loads(checked(database, "--json")[1])["exit_code"] == 0


def test_each_account_has_its_age(database: Secret, query: Query) -> None:
    """Until its cursor is deleted: then the account has retired."""
    with Sandbox(World(1, tasks=3)) as sandbox:
        sync(sandbox, database)
    query(database, AGED)
    query(
        database,
        """
        WITH another AS (
            INSERT INTO pyrus.sync_runs (run_id, account_id, kind, status, started_at, finished_at)
            VALUES (gen_random_uuid(), 5, 'reconcile', 'ok', now(), now()) RETURNING account_id
        )
        INSERT INTO pyrus.sync_cursors (account_id, stream, cursor, updated_at)
        SELECT account_id, 'tasks', now(), now() FROM another
        """,
    )
    assert checked(database, "--max-age", "1h", "--quiet")[0] == 8

    query(database, "DELETE FROM pyrus.sync_cursors WHERE account_id <> 5")
    assert checked(database, "--max-age", "1h", "--quiet")[0] == 0


@pytest.mark.parametrize("command", ["status --max-age soon --json", "sync --nonsense --json"])
def test_wrong_usage_has_its_exit_code_in_json_too(command: str) -> None:
    ended = program(*command.split())

    assert json.loads(ended.stdout)["exit_code"] == ended.returncode == 2


def test_runs_with_files_are_shown_by_what_they_did_and_services_by_their_names(database: Secret, query: Query) -> None:
    query(
        database,
        """
        INSERT INTO pyrus.sync_runs (run_id, account_id, kind, status, started_at, finished_at, files_stored,
            files_missing, files_failed, files_copied, files_changed, projects_failed)
        VALUES (gen_random_uuid(), -1, 'files', 'ok', now(), now(), 0, 0, 0, 0, 5, 1),
            (gen_random_uuid(), 300, 'mirror', 'ok', now(), now(), 0, 0, 2, 7, 0, 0),
            (gen_random_uuid(), 300, 'download', 'ok', now(), now(), 9, 1, 1, 0, 0, 0)
        """,
    )
    lines = [" ".join(line.split()[2:]) for line in program("status", database=database).stdout.splitlines()]

    assert {"files ok 5 changed 1 projects set aside", "mirror ok 7 copied 2 not copied"} <= set(lines)
    assert "download ok 9 stored 2 not stored" in lines
    assert {line.rpartition(", ")[2] for line in lines if " ago, " in line} == {"paymo", "account 300"}
