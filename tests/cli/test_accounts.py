"""Several accounts in the config file: every command works for all of them, side by side, or for one by --account."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyrus_etl.cli.runs.side_by_side import worst
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT, EVERYBODY
from pyrus_etl.settings import Secret
from tests.runs import program
from tests.typing import Query

PEOPLE = {"ann": ACCOUNT.id, "bob": EVERYBODY[1].id, "cid": EVERYBODY[21].id}
LOGINS = {"ann": "robot@northlight.example", "bob": "bob@northlight.example", "cid": "cid@northlight.example"}
RUNS = "SELECT login, kind, status FROM pyrus.sync_runs ORDER BY login, run_id"
Command = Callable[..., tuple[int, dict[str, Any], str]]

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Of 24 tasks, each of the three sees some that the others do not see; two see six, and all see the last six."""
    world = World(5, tasks=24)
    ids = world.task_ids()
    hidden = {"ann": ids[4:12], "bob": ids[:4] + ids[8:12], "cid": ids[:8] + ids[12:18]}
    for name, tasks in hidden.items():
        for task_id in tasks:
            world.hide(task_id, PEOPLE[name])
    world.advance(3600)
    with Sandbox(world, accounts={LOGINS[name]: PEOPLE[name] for name in ("bob", "cid")}) as running:
        yield running


@pytest.fixture
def command(sandbox: Sandbox, database: Secret, tmp_path: Path) -> Command:
    """`command(arguments, keys=…)`: exit code, JSON and stderr of a command, with three accounts in the config file.

    `keys`: other keys than the right ones; None: the file is missing.
    """

    def run(*arguments: str, **keys: str | None) -> tuple[int, dict[str, Any], str]:
        for name in LOGINS:
            file = tmp_path / name
            file.unlink(missing_ok=True)
            if (key := keys.get(name, sandbox.options.security_key)) is not None:
                file.write_text(key, encoding="utf-8")
                file.chmod(0o600)
        sections = [
            f'[accounts.{name}]\nlogin = "{login}"\nsecurity_key_file = "{tmp_path / name}"'
            for name, login in LOGINS.items()
        ]
        config = tmp_path / "some.toml"
        config.write_text("\n".join((f'[pyrus]\nurl = "{sandbox.url}"', *sections)), encoding="utf-8")
        ended = program(*arguments, "--config", str(config), "--json", database=database)
        return ended.returncode, json.loads(ended.stdout), ended.stderr

    return run


def seen(sandbox: Sandbox, *names: str) -> set[int]:
    return {task_id for name in names for task_id in sandbox.world.task_ids(PEOPLE[name])}


def test_all_accounts_run_side_by_side_in_one_process(
    sandbox: Sandbox, database: Secret, query: Query, command: Command, tmp_path: Path
) -> None:
    """The report has an object for each; with --account it is that of a run, as without several accounts."""
    sandbox.requests.clear()
    code, shown, _ = command("backfill")

    assert (code, shown["exit_code"]) == (0, 0)
    assert [(each["account"], each["status"], each["exit_code"]) for each in shown["accounts"]] == [
        ("ann", "ok", 0),
        ("bob", "ok", 0),
        ("cid", "ok", 0),
    ]
    assert query(database, RUNS) == [(LOGINS[name], "backfill", "ok") for name in ("bob", "cid", "ann")]
    assert sorted(sandbox.requests.fetched) == sorted(seen(sandbox, "ann", "bob", "cid")), "each once"
    for name, person in PEOPLE.items():
        sighted = query(database, "SELECT task_id FROM pyrus.task_sightings WHERE account_id = %s", person)
        assert {task_id for (task_id,) in sighted} == seen(sandbox, name)

    code, shown, _ = command("attachments", "download", "--to", str(tmp_path / "to"))
    stored = query(database, "SELECT count(*) FROM pyrus.attachment_contents WHERE status = 'stored'")
    assert (code, query(database, "SELECT count(*) FROM pyrus.attachments")) == (0, stored)
    assert all(each["files_stored"] for each in shown["accounts"]), "each fetches the files of the tasks that it reads"

    code, shown, _ = command("sync", "--account", "bob", "--reconcile-every", "1h")
    assert (code, shown["kind"], shown["status"], shown["reconcile"]) == (0, "sync", "ok", None)
    assert "accounts" not in shown

    code, shown, _ = command("reconcile", "--max-deleted", "0")
    assert [each["tasks_deleted"] for each in shown["accounts"]] == [0, 0, 0], "each sees what others do not"

    _, status, _ = command("status")
    assert [(one["account_id"], one["name"], one["login"], one["last_exit"]) for one in status["accounts"]] == [
        (PEOPLE[name], name, LOGINS[name], 0) for name in LOGINS
    ]


def test_what_one_account_fails_with_stops_no_other(
    sandbox: Sandbox, database: Secret, query: Query, command: Command
) -> None:
    """The exit code is that of the account for which a person has most to do."""
    code, shown, said = command("sync", bob="wrong", cid=None)

    assert code == shown["exit_code"] == 2
    assert [(each["account"], each["status"], each["exit_code"]) for each in shown["accounts"]] == [
        ("ann", "ok", 0),
        ("bob", "failed", 3),
        ("cid", "failed", 2),
    ]
    assert f"pyrus-etl: bob: Pyrus refused the login of {LOGINS['bob']}" in said
    assert "pyrus-etl: cid: accounts.cid.security_key_file in " in said
    assert query(database, RUNS) == [(LOGINS["bob"], "sync", "failed"), (LOGINS["ann"], "sync", "ok")]

    code, checked, _ = command("check", bob="wrong")
    assert ", accounts ann, bob, cid" in checked["checks"][0]["message"]
    failed = [(each["check"], each["status"]) for each in checked["checks"] if each["status"] != "ok"]
    assert (code, failed) == (3, [("login bob", "failed"), ("list bob", "skipped")])
    assert {"login ann", "list ann", "login cid"} < {each["check"] for each in checked["checks"]}


def test_a_push_of_all_accounts_sends_each_row_by_one_of_them(
    sandbox: Sandbox, database: Secret, query: Query, command: Command
) -> None:
    """The dry run says by which; --account sends what that account sees."""
    command("sync")
    insert = "INSERT INTO pyrus.outbox (action, task_id, body) VALUES ('comment', %s, '{\"text\": \"Paid.\"}')"
    sees = {name: sandbox.world.task_ids(person) for name, person in PEOPLE.items()}
    alone = {name: sees[name][0] for name in PEOPLE}
    for task_id in alone.values():
        query(database, insert, task_id)

    _, dry, _ = command("push", "--dry-run")
    one, _, said = command("push", "--write", "on", "--account", "cid")
    code, shown, _ = command("push", "--write", "on")

    assert [(row["account"], row["task_id"], row["status"]) for row in dry["rows"]] == [
        (name, task_id, "waiting") for name, task_id in alone.items()
    ]
    assert (one, "2 rows of the outbox wait for a push of another account" in said) == (0, True)
    assert (code, [(each["account"], each["rows_sent"], each["rows"]) for each in shown["accounts"]]) == (
        0,
        [("ann", 1, []), ("bob", 1, []), ("cid", 0, [])],
    )
    sent = query(database, "SELECT task_id, account_id FROM pyrus.outbox WHERE status = 'sent'")
    assert set(sent) == {(task_id, PEOPLE[name]) for name, task_id in alone.items()}


def test_what_needs_one_account_asks_for_its_name(command: Command) -> None:
    for arguments in (("sync", "--dry-run"), ("files", "list", "pyrus:task/1"), ("files", "mirror", "paymo")):
        code, _, said = command(*arguments)
        assert (code, said.splitlines()[-1]) == (
            2,
            "pyrus-etl: Several accounts are set; name one of ann, bob, cid.",
        ), arguments
    code, _, said = command("sync", "--account", "dan")
    assert (code, said) == (2, "pyrus-etl: There is no account 'dan'; name one of ann, bob, cid.\n")


def test_the_worst_exit_code_says_what_to_do_first() -> None:
    order = [1, 143, 130, 129, 5, 2, 3, 4, 7, 6, 8, 0]

    assert [worst([*order[place:][::-1]]) for place in range(len(order))] == order
