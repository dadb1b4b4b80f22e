"""`push` as a program: off by default, a dry run that sends nothing, what it reports, and decisions about rows."""

import json

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import program, sync
from tests.typing import Query

pytestmark = pytest.mark.usefixtures("impatient")

INSERT = "INSERT INTO pyrus.outbox (action, task_id, body) VALUES ('comment', %s, %s) RETURNING outbox_id"


def test_a_push_has_to_be_switched_on_and_a_dry_run_sends_nothing(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        sync(sandbox, database)
        task_id, other = sandbox.world.task_ids()[:2]
        before = sandbox.world.body(task_id)
        ((row,),) = query(database, INSERT, task_id, '{"text": "Paid.", "responsible_id": 1}')
        ((held,),) = query(database, INSERT, task_id, '{"text": "Thanks."}')
        ((right,),) = query(database, INSERT, other, '{"text": "Paid.", "due_date": "2026-05-01"}')
        off = program("push", sandbox=sandbox, database=database)
        requests = sandbox.requests.total
        dry = program("push", "--dry-run", sandbox=sandbox, database=database)
        shown = json.loads(program("push", "--dry-run", "--json", sandbox=sandbox, database=database).stdout)
        asked = sandbox.requests.total - requests
        after = sandbox.world.body(task_id)

    assert (off.returncode, off.stdout) == (2, "")
    assert off.stderr == (
        "pyrus-etl: PYRUS_ETL_WRITE is off, so nothing is written to Pyrus; set it to on, or use --dry-run.\n"
    )
    assert (dry.returncode, asked, after) == (0, 0, before)
    sent = f'PUT /restapi/addcomment {{"TaskId":{other},"Text":"Paid.","DueDate":"/Date(1777593600000)/"}}'
    assert dry.stdout.splitlines() == [
        f"{row}  comment on task {task_id}: refused: Person 1 is unknown; if they are new, run pyrus-etl sync.",
        f"{held}  comment on task {task_id}: held behind row {row}",
        f"{right}  comment on task {other}: {sent}",
        "3 rows; nothing was sent",
    ]
    assert [each["status"] for each in shown["rows"]] == ["refused", "waiting", "waiting"]
    assert [each.get("held_behind") for each in shown["rows"]] == [None, str(row), None]
    assert query(database, "SELECT DISTINCT status FROM pyrus.outbox") == [("waiting",)]


def test_a_push_reports_its_rows_and_takes_decisions_about_them(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        sync(sandbox, database)
        task_id, other = sandbox.world.task_ids()[:2]
        ((row,),) = query(database, INSERT, task_id, '{"text": 5}')
        query(database, INSERT, other, '{"text": "Paid."}')

        def push(*arguments: str) -> tuple[int, dict[str, object]]:
            ran = program("push", "--json", *arguments, sandbox=sandbox, database=database, PYRUS_ETL_WRITE="on")
            return ran.returncode, json.loads(ran.stdout)

        code, report = push()
        unknown = push("--resolve", "0192f3a4-5b6c-7d8e-9f00-112233445566", "sent")
        query(database, 'UPDATE pyrus.outbox SET body = \'{"text": "five"}\' WHERE outbox_id = %s', row)
        resolved = push("--resolve", str(row), "waiting")
        again, _ = push()
        twice = push("--resolve", str(row), "waiting")

    assert (code, report["kind"], report["status"]) == (6, "push", "ok")
    assert (report["rows_sent"], report["rows_refused"], report["exit_code"]) == (1, 1, 6)
    assert report["rows"] == [
        {
            "outbox_id": str(row),
            "action": "comment",
            "task_id": task_id,
            "status": "refused",
            "error": "text cannot be 5: a text is expected.",
        }
    ]
    assert unknown[0] == 2
    assert resolved == (0, {"outbox_id": str(row), "before": "refused", "status": "waiting", "exit_code": 0})
    assert (again, twice[0]) == (0, 2)
