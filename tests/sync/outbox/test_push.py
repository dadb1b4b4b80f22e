"""`push`: each row of the outbox is applied once, in the order of its task, or somebody is told why it is not."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg
import pytest

from pyrus_etl.errors import LockHeld
from pyrus_etl.load.outbox import statuses
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.sandbox.limits.faults import Fault
from pyrus_etl.sandbox.organisation.forms import CONTRACT, PURCHASE
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.push import push
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run
from tests.conftest import settings_for
from tests.runs import sync
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

pytestmark = pytest.mark.usefixtures("impatient")

APIS = ("v3", "v4")
ROWS = "SELECT action, task_id, status, attempts, answer, error FROM pyrus.outbox ORDER BY created_at, outbox_id"


class Office(NamedTuple):
    """A sandbox over one API, and a database whose outbox is pushed into it."""

    sandbox: Sandbox
    database: Secret
    query: Query
    api: str

    @property
    def world(self) -> World:
        return self.sandbox.world

    def put(self, action: str, task_id: int | None, **body: Any) -> None:
        text = msgspec.json.encode(body).decode()
        self.query(
            self.database,
            "INSERT INTO pyrus.outbox (action, task_id, body) VALUES (%s, %s, %s::jsonb)",
            action,
            task_id,
            text,
        )

    def push(self, budget: Budget = NO_LIMIT, folder: Path | None = None, late: float | None = None) -> Result:
        settings = settings_for(self.sandbox, self.database, PYRUS_API=self.api)
        if late:
            settings = replace(settings, waits=settings.waits._replace(late=late))
        return asyncio.run(run(push(str(folder) if folder else None), settings, budget=budget))

    def resolve(self, row: Any, status: str) -> None:
        with psycopg.connect(self.database.reveal()) as connection:
            statuses.resolve(connection, row, status)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return self.query(self.database, ROWS)

    def notes(self, task_id: int) -> list[str | None]:
        """The texts of the notes of a task, at Pyrus."""
        return [note.get("Text") for note in self.world.task(task_id)["TaskWithNotes"]["Notes"]]

    def stored(self, task_id: int) -> list[str | None]:
        """The texts of the notes of a task, in the tables."""
        found = self.query(self.database, "SELECT text FROM pyrus.notes WHERE task_id = %s ORDER BY note_no", task_id)
        return [text for (text,) in found]


@pytest.fixture(params=APIS)
def office(request: pytest.FixtureRequest, database: Secret, query: Query) -> Any:
    with Sandbox(World(1, tasks=14)) as sandbox:
        sync(sandbox, database, PYRUS_API=request.param)
        yield Office(sandbox, database, query, request.param)


def test_comments_are_sent_in_the_order_of_their_task_and_read_back(office: Office) -> None:
    first, second = office.world.task_ids()[:2]
    for number in range(3):
        office.put("comment", first, text=f"note {number}")
    office.put("comment", second, text="Closed by SQL.", activity_action="Complete")
    before = office.notes(first)

    result = office.push()

    assert (result.error, result.exit_code, result.kind, result.counts.rows_sent) == (None, 0, "push", 4)
    assert office.notes(first) == [*before, "note 0", "note 1", "note 2"]
    assert "CloseDate" in office.world.task(second)["TaskWithNotes"]
    assert office.stored(first) == office.notes(first)
    assert [(status, attempts, error) for _, _, status, attempts, _, error in office.rows] == [("sent", 1, None)] * 4
    assert office.push().counts.rows_sent == 0


LOSSES: tuple[Fault, ...] = ("lost", "gateway", "reset", "short", "html", "error")
"""Faults of an answer: after `lost`, `gateway` and `short` the row is applied, after the others it is not."""


def test_one_answer_in_three_may_be_lost_and_each_comment_is_there_once_in_its_order(office: Office) -> None:
    tasks = office.world.task_ids()[:10]
    before = {task_id: office.notes(task_id) for task_id in tasks}
    for number in range(6):
        for task_id in tasks:
            office.put("comment", task_id, text=f"note {number // 2}")  # each text twice
    office.sandbox.faults = Faults(every=3, kinds=LOSSES, endpoints=("writes",))

    result = office.push()

    assert (result.error, result.counts.rows_sent, result.counts.rows_unknown) == (None, 60, 0)
    expected: list[str | None] = [f"note {number // 2}" for number in range(6)]
    assert {task_id: office.notes(task_id) for task_id in tasks} == {
        task_id: before[task_id] + expected for task_id in tasks
    }
    assert {task_id: office.stored(task_id) for task_id in tasks} == {
        task_id: office.notes(task_id) for task_id in tasks
    }


def test_new_tasks_are_made_once_or_are_unknown(office: Office) -> None:
    before = set(office.world.task_ids())
    for number in range(12):
        office.put("task", None, text=f"task {number // 2}")
    office.sandbox.faults = Faults(every=3, kinds=LOSSES, endpoints=("writes",))

    result = office.push()

    made = Counter(office.world.task(each)["TaskWithNotes"]["Text"] for each in set(office.world.task_ids()) - before)
    sent = Counter(
        text
        for (text,) in office.query(office.database, "SELECT body ->> 'text' FROM pyrus.outbox WHERE status = 'sent'")
    )
    counts = result.counts
    assert result.error is None
    assert (counts.rows_sent + counts.rows_unknown, result.exit_code) == (12, 6 if counts.rows_unknown else 0)
    assert all(made[text] <= 2 for text in made)
    assert sent <= made


def test_a_row_that_cannot_be_right_is_refused_with_all_its_problems_before_anything_is_sent(office: Office) -> None:
    task_id = office.world.task_ids()[0]
    office.put("comment", task_id, text=5, colour="red", due_date="2026-02-30", activity_action="burn")
    office.put("comment", task_id, text="held behind it")
    office.put("comment", office.world.task_ids()[1], responsible_id=5)
    office.put("task", None, subject="no text", due_at="2026-05-01T10:00:00")
    office.put("form_task", None, form_values=[{"field_id": 1, "value": 2}])
    office.put("comment", office.world.task_ids()[2])

    result = office.push()

    assert (result.exit_code, result.counts.rows_refused, result.counts.rows_held) == (6, 5, 1)
    errors = [error for *_, error in office.rows]
    assert errors == [
        (
            "text cannot be 5: a text is expected. 'colour' is not a property of the body. "
            "due_date cannot be '2026-02-30': write a day that exists, like 2026-01-31. "
            "activity_action must be one of Complete, MarkAsDuplicate, MarkAsIrrelevant, Reopen, not 'burn'."
        ),
        None,
        "Person 5 is unknown; if they are new, run pyrus-etl sync.",
        "due_at cannot be '2026-05-01T10:00:00': give its offset, as in 2026-01-31T12:00:00Z. A new task needs a text.",
        "form_id is missing.",
        "The comment says nothing; give it a text or something to change.",
    ]


def test_values_of_a_form_are_checked_against_its_definition(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=14)) as sandbox:
        sync(sandbox, database, PYRUS_API="v4")
        office = Office(sandbox, database, query, "v4")
        wrong = [
            {"field_id": 5, "value": "x"},
            {"field_id": 72, "value": 5},
            {"field_id": 73, "value": 5},
            {"field_id": 76, "value": "much"},
            {"field_id": 77, "value": "2026-02-30"},
            {"field_id": 201, "value": "Enormous"},
            {"field_id": 207, "value": "2026-05-02"},
            {"field_id": 210, "value": 5},
            {"field_id": 71, "value": "x"},
        ]
        office.put("form_task", None, form_id=CONTRACT.id, form_values=wrong)
        office.put("form_task", None, form_id=5)
        office.put("form_task", None, form_id=PURCHASE.id)
        result = office.push()

    assert (result.exit_code, result.counts.rows_refused) == (6, 3)
    (first, second, third) = [error for *_, error in office.rows]
    assert first.split(". ") == [
        "Form 3001004000 has no field 5",
        "Field 72 (Counterparty), Text, cannot be 5: a text is expected",
        "Field 73 (Signatory), Person, cannot be 5: the person is unknown; if they are new, run pyrus-etl sync",
        "Field 76 (Value), Decimal, cannot be 'much': a number is expected",
        "Field 77 (Effective from), Date, cannot be '2026-02-30': there is no such day",
        "Field 201 (Priority), MultipleChoice, cannot be 'Enormous': there is no such choice",
        "Field 207 (Visited on) is in a table, so it needs a row_id",
        "Field 210 (Bidders), Catalog, cannot be 5: there is no such catalog item",
        "Field 71 (Parties), Title, cannot be 'x': nobody can write this type of field.",
    ]
    assert second == "Form 5 does not exist, or this account does not see it."
    assert third == "Field 15 (Amount) is required and missing. Field 20 (Quotation) is required and missing."


def test_pyrus_decides_about_a_required_field_that_has_a_default_or_may_be_hidden(
    database: Secret, query: Query
) -> None:
    """Here it refuses them; a row that wants no defaults is not even sent."""
    with Sandbox(World(1, tasks=14)) as sandbox:
        sync(sandbox, database, PYRUS_API="v4")
        query(database, "UPDATE pyrus.form_fields SET has_default = true WHERE field_id = 15")
        query(database, "UPDATE pyrus.form_fields SET is_conditional = true WHERE field_id = 20")
        office = Office(sandbox, database, query, "v4")
        office.put("form_task", None, form_id=PURCHASE.id)
        office.put("form_task", None, form_id=PURCHASE.id, fill_defaults=False)
        office.push()

    (sent, checked) = office.rows
    assert (sent[3], sent[4]["code"]) == (1, "required_field_missing")
    assert (checked[3], checked[5]) == (0, "Field 15 (Amount) is required and missing.")


def test_what_pyrus_refuses_is_refused_and_stops_only_its_task_until_a_person_decides(office: Office) -> None:
    gone, other = office.world.task_ids()[:2]
    office.world.revoke(gone)
    office.put("comment", gone, text="first")
    office.put("comment", gone, text="second")
    office.put("comment", other, text="third")
    refused = office.push()
    again = office.push()
    statuses = [row[2] for row in office.rows]
    error, answer = office.rows[0][5], office.rows[0][4]
    office.world.grant(gone)
    resolve = "SELECT outbox_id FROM pyrus.outbox WHERE status = 'refused'"
    ((row,),) = office.query(office.database, resolve)
    office.resolve(row, "waiting")
    after = office.push()

    assert (refused.exit_code, refused.counts.rows_sent, refused.counts.rows_refused, refused.counts.rows_held) == (
        6,
        1,
        1,
        1,
    )
    assert (again.exit_code, again.counts.rows_held, again.counts.rows_refused) == (6, 1, 0)
    assert statuses == ["refused", "waiting", "sent"]
    assert error.startswith(f"Pyrus refuses task {gone}: 403")
    assert answer is None
    assert (after.exit_code, [row[2] for row in office.rows]) == (0, ["sent"] * 3)
    assert office.notes(gone)[-2:] == ["first", "second"]


def test_the_code_of_a_refusal_is_kept_until_a_person_decides(office: Office) -> None:
    task_id = next(
        each for each in office.world.task_ids() if "Approvals" not in office.world.task(each)["TaskWithNotes"]
    )
    office.put("comment", task_id, approval_choice="Approved")

    result = office.push()

    ((_, _, status, attempts, answer, error),) = office.rows
    assert (result.exit_code, status, attempts) == (6, "refused", 1)
    assert answer["status"] == 403
    assert answer["code"] in ("BehavioralTaskAccessViolation", "access_denied_task"), "of v3, and of v4"
    assert answer["code"] in error

    ((row,),) = office.query(office.database, "SELECT outbox_id FROM pyrus.outbox")
    office.resolve(row, "sent")
    ((_, _, *resolved),) = office.rows
    assert resolved == ["sent", 1, None, None], "the person's decision takes the place of the refusal"


def test_rows_wait_until_their_time_and_hold_the_later_ones_of_their_task(office: Office) -> None:
    first, second = office.world.task_ids()[:2]
    for task_id, text in ((first, "later"), (first, "after it"), (second, "now")):
        office.put("comment", task_id, text=text)
    office.query(
        office.database,
        "UPDATE pyrus.outbox SET not_before = now() + interval '1 hour' WHERE body ->> 'text' = 'later'",
    )
    early = office.push()
    office.query(office.database, "UPDATE pyrus.outbox SET not_before = now()")
    late = office.push()

    assert (early.counts.rows_sent, early.counts.rows_held, early.exit_code) == (1, 0, 0)
    assert (late.counts.rows_sent, late.exit_code) == (2, 0)
    assert office.notes(first)[-2:] == ["later", "after it"]


def test_a_request_that_is_carried_out_late_is_found_and_not_sent_again(office: Office) -> None:
    task_id = office.world.task_ids()[0]
    office.put("comment", task_id, text="late")
    office.sandbox.backend.injector.change(Faults(late_seconds=0.2))
    office.sandbox.backend.injector.fail_next(1, "late", "addcomment" if office.api == "v3" else "comments")

    result = office.push(late=1.0)

    assert (result.exit_code, result.counts.rows_sent, office.notes(task_id).count("late")) == (0, 1, 1)


def test_a_push_that_froze_before_a_request_and_lost_its_lock_meanwhile_does_not_send_it(
    database: Secret, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here it waits for the server while another run takes the lock. That one has perhaps sent the row already."""
    monkeypatch.setattr("pyrus_etl.postgres.store.LEASE_SECONDS", 1.5)
    sent: list[Asked] = []

    def script(asked: Asked) -> Reply | None:
        if asked.path != "/restapi/addcomment":
            return None
        sent.append(asked)
        if sent[1:]:
            return None
        query(database, "UPDATE pyrus.sync_leases SET run_id = gen_random_uuid()")
        return Reply(429, b"{}", {"Retry-After": "1"})

    with Sandbox(World(1, tasks=3)) as sandbox:
        sync(sandbox, database)
        office = Office(sandbox, database, query, "v3")
        task_id = office.world.task_ids()[0]
        office.put("comment", task_id, text="Paid.")
        with in_front_of(sandbox, script) as server:
            settings = settings_for(sandbox, database, PYRUS_URL=server.url)
            result = asyncio.run(run(push(), settings))

    assert (type(result.error), len(sent)) == (LockHeld, 1)
    assert [row[2] for row in office.rows] == ["sending"]


def new_task(office: Office, text: str, **more: Any) -> None:
    """A row for a new task. Over API v4 it is of a form, whose register shows it; v3 has a search by author."""
    value = {"field_id": 72, "value": text, "type": "Text"}
    if office.api == "v4":
        office.put("form_task", None, form_id=CONTRACT.id, form_values=[value], **more)
    else:
        office.put("task", None, text=text, **more)


def test_a_new_task_that_lists_do_not_show_an_hour_after_its_answer_was_lost_is_made_again(office: Office) -> None:
    """Lists must have shown a later change; otherwise they may lag still."""
    before = set(office.world.task_ids())
    earlier = "UPDATE pyrus.outbox SET tried_at = tried_at - interval '2 hours' WHERE status = 'unknown'"
    new_task(office, "lost")
    office.sandbox.backend.injector.fail_next(1, "reset", "addtask" if office.api == "v3" else "tasks")
    unknown = [office.push().exit_code, office.push().exit_code]
    office.world.advance(2 * 3600)
    office.query(office.database, earlier)
    unknown.append(office.push().exit_code)
    new_task(office, "later")
    office.push()

    after = office.push()

    assert (unknown, after.exit_code) == ([6, 6, 6], 0)
    made = set(office.world.task_ids()) - before
    assert [(row[2], row[1] in made, row[5]) for row in office.rows] == [("sent", True, None)] * 2
    assert len(made) == 2


def test_no_new_task_with_a_file_is_unknown_over_v3_because_an_upload_works_once(
    database: Secret, query: Query, tmp_path: Path
) -> None:
    (tmp_path / "plan.txt").write_bytes(b"the plan")
    with Sandbox(World(1, tasks=3)) as sandbox:
        sync(sandbox, database)
        office, before = Office(sandbox, database, query, "v3"), set(sandbox.world.task_ids())
        for number in range(24):
            office.put("task", None, text=f"task {number}", attachments=["plan.txt"])
        sandbox.faults = Faults(every=3, kinds=LOSSES, endpoints=("addtask",))
        result = office.push(folder=tmp_path)
        made = Counter(
            sandbox.world.task(each)["TaskWithNotes"]["Text"] for each in set(sandbox.world.task_ids()) - before
        )

    assert (result.exit_code, result.counts.rows_sent) == (0, 24)
    assert made == Counter(f"task {number}" for number in range(24))
