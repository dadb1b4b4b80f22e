"""The five recipes of docs/write-back.md, as they stand there, run by a role that has both grants."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.access.grants import grant_reports
from pyrus_etl.reports.access.write_back import grant_write_back
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.forms import PURCHASE, Kind
from pyrus_etl.sandbox.organisation.people import LEADS
from pyrus_etl.sandbox.tasks.comments import Comment, Value
from pyrus_etl.sandbox.world.newtasks import NewTask
from pyrus_etl.sandbox.world.world import START
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.push import push
from pyrus_etl.sync.run import run
from tests.conftest import settings_for
from tests.roles import as_role
from tests.runs import CHECKOUT, program, sync

pytestmark = pytest.mark.usefixtures("impatient")

ERP = f"erp_{os.getpid()}"
LEAD, LOGIN = LEADS[1], "lead@northlight.example"
PAGE = (CHECKOUT / "docs/write-back.md").read_text(encoding="utf-8")
STOPPED_CLOCK = f"""
    CREATE OR REPLACE VIEW pyrus_report.clock AS
    SELECT timestamptz '{START}' AS now, (timestamptz '{START}' AT TIME ZONE time_zone)::date AS today, time_zone
    FROM pyrus.report_settings
"""


def blocks(title: str, language: str = "sql") -> list[str]:
    """The code of a recipe."""
    (text,) = re.findall(rf"^### {title}\n(.*?)(?=^### |^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


class Office(NamedTuple):
    """A sandbox over one API, the login of one of its approvers, and a session of the role that runs the recipes."""

    sandbox: Sandbox
    database: Secret
    api: str
    erp: psycopg.Connection[tuple[Any, ...]]

    @property
    def world(self) -> World:
        return self.sandbox.world

    def follow(self, title: str, files: Path | None = None) -> int:
        """Runs the first statement of a recipe, then pushes; returns the number of rows that Pyrus applied."""
        self.erp.execute(blocks(title)[0].encode())
        settings = settings_for(self.sandbox, self.database, PYRUS_LOGIN=LOGIN, PYRUS_API=self.api)
        result = asyncio.run(run(push(str(files) if files else None), settings))
        assert (result.error, result.exit_code) == (None, 0), self.ask("SELECT error FROM pyrus.outbox")
        return result.counts.rows_sent

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        return self.erp.execute(query.encode()).fetchall()


@pytest.fixture(params=("v3", "v4"))
def office(request: pytest.FixtureRequest, database: Secret) -> Iterator[Office]:
    world = World(3, tasks=120)
    world.add(NewTask(text="Weekly report", opening=Comment(author=LEAD.id, text="Weekly report")))
    with Sandbox(world, accounts={LOGIN: LEAD.id}) as sandbox, connect(database) as superuser:
        superuser.execute(f"CREATE ROLE {ERP} LOGIN; CREATE SCHEMA erp AUTHORIZATION {ERP}".encode())
        sync(sandbox, database, PYRUS_LOGIN=LOGIN, PYRUS_API=request.param)
        superuser.execute(STOPPED_CLOCK.encode())
        grant_reports(superuser, ERP)
        grant_write_back(superuser, ERP)
        with psycopg.connect(as_role(database, ERP).reveal(), autocommit=True) as erp:
            yield Office(sandbox, database, request.param, erp)
        superuser.execute(f"DROP OWNED BY {ERP} CASCADE; DROP ROLE {ERP}".encode())


def test_the_five_recipes_of_the_page_do_what_they_say(office: Office, tmp_path: Path) -> None:
    closes_silent_tasks(office)
    sets_a_field(office)
    approves(office)
    opens_a_task_for_each_row(office)
    attaches_a_report(office, tmp_path)

    assert {status for (status,) in office.ask("SELECT status FROM pyrus_report.outbox_overview")} == {"sent"}
    assert office.ask("SELECT DISTINCT created_by FROM pyrus.outbox") == [(ERP,)]


def closes_silent_tasks(office: Office) -> None:
    silent = {
        task_id for (task_id,) in office.ask("SELECT task_id FROM pyrus_report.silent_tasks WHERE days_silent > 90")
    }
    sent = office.follow("Close what nobody has touched for 90 days")
    again = office.follow("Close what nobody has touched for 90 days")
    tasks = [office.world.task(task_id)["TaskWithNotes"] for task_id in silent]

    assert (len(silent) > 2, sent, again) == (True, len(silent), 0)
    assert all("CloseDate" in task for task in tasks)
    assert all("nothing has happened for" in task["Notes"][-1]["Text"] for task in tasks)


def sets_a_field(office: Office) -> None:
    amounts = office.ask("""
        SELECT task_id, value_number FROM pyrus_report.task_fields
        WHERE field = 'Amount' AND value_number > 1000 ORDER BY task_id LIMIT 3
    """)
    wanted = {task_id: Decimal("12.50") for task_id, _ in amounts[:2]} | {amounts[2][0]: amounts[2][1]}
    office.erp.execute("CREATE TABLE erp.orders (task_id bigint, amount numeric)")
    with office.erp.cursor() as cursor:
        cursor.executemany("INSERT INTO erp.orders VALUES (%s, %s)", list(wanted.items()))
    sent = office.follow("Set a form field from a query")
    stored = dict(office.ask("SELECT task_id, value_number FROM pyrus_report.task_fields WHERE field = 'Amount'"))

    assert sent == 2
    assert {task_id: stored[task_id] for task_id in wanted} == wanted


def approves(office: Office) -> None:
    """Two more requests wait for the account: one under the limit, one above it."""
    form = office.world.kind_of(PURCHASE.id)
    assert form
    asked = ((LEAD.id,), (LEADS[0].id,))
    small, large = (
        office.world.add(NewTask(text=f"For {amount}", opening=purchase(form, amount, asked), kind=form))
        for amount in (999, 1001)
    )
    sync(office.sandbox, office.database, PYRUS_LOGIN=LOGIN, PYRUS_API=office.api)
    office.follow("Approve what is under a limit")
    first = [office.world.task(one)["TaskWithNotes"]["Approvals"][0][0].get("Choice") for one in (small, large)]

    assert first == ["Approved", None]


def purchase(form: Kind, amount: int, asked: tuple[tuple[int, ...], ...]) -> Comment:
    values = (Value(field=form.field(15), written={"Decimal": amount}),)
    return Comment(author=LEADS[2].id, approvals_added=asked, values=values)


def opens_a_task_for_each_row(office: Office) -> None:
    columns = "number text, customer text, amount numeric, due_on date, paid_on date, clerk_id bigint"
    office.erp.execute(f"CREATE TABLE erp.invoices ({columns})".encode())
    rows = [("A1", 50, None), ("A2", 40, "2026-01-30"), ("A3", 30, None), ("A4", -1, None)]
    with office.erp.cursor() as cursor:
        insert = "INSERT INTO erp.invoices VALUES (%s, 'Alder', 99.5, current_date - %s::integer, %s, %s)"
        cursor.executemany(insert, [(*row, LEAD.id) for row in rows])
    sent = office.follow("A task for each row of a table")
    again = office.follow("A task for each row of a table")
    known = dict(office.ask(blocks("A task for each row of a table")[1]))
    tasks = {number: office.world.task(task_id)["TaskWithNotes"] for number, task_id in known.items()}

    assert (sent, again, sorted(tasks)) == (2, 0, ["A1", "A3"])
    assert tasks["A1"]["Text"] == "Alder has not paid invoice A1 of 99.5. Please call."
    assert {task["Responsible"]["Id"] for task in tasks.values()} == {LEAD.id}


def attaches_a_report(office: Office, files: Path) -> None:
    title = "Attach a report to a task"
    line = blocks(title, "bash")[0].splitlines()[1].replace("/srv/pyrus-files", str(files))
    exported = program(*shlex.split(line)[1:], database=office.database)
    assert exported.returncode == 0, exported.stderr
    sent = office.follow(title, files)
    ((task_id,),) = office.ask("SELECT task_id FROM pyrus_report.current_tasks WHERE text = 'Weekly report'")
    note = office.world.task(task_id)["TaskWithNotes"]["Notes"][-1]

    assert (sent, [file["Name"] for file in note["Attachments"]]) == (1, ["overdue.csv"])
    assert office.world.contents(note["Attachments"][0]["Id"]).startswith(b"task_id,text,")
