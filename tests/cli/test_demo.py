"""The demo as a program: its output, and the state that it leaves behind."""

import os
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pyrus_etl.cli.demo.console import shown
from pyrus_etl.cli.demo.questions import QUESTIONS
from tests.reports.conftest import Reports, reports
from tests.reports.world import INVOICES, note, task, value
from tests.runs import program, program_environment

__all__ = ["reports"]

DATA = Path(".local/share/pyrus-etl")


def test_shows_the_pipeline_and_begins_again_each_time(tmp_path: Path) -> None:
    """Nothing is left running. The next demo replaces the database of the last one, and leaves the user's files alone.

    A file with the page's name stays, and the real account's settings are not used.
    """
    ended = program("demo", "--tasks", "300", HOME=str(tmp_path))

    logged = [line for line in ended.stderr.splitlines() if "INFO backfill: " not in line]  # of a slow machine
    assert (ended.returncode, logged) == (0, [])
    assert "300 tasks fetched" in ended.stdout
    assert "25 changes to " in ended.stdout
    assert "0 fetched, 0 changed: nothing happened since." in ended.stdout
    assert "form_purchase_request" in ended.stdout
    assert "FROM pyrus_report.person_workload" in ended.stdout, "the queries are shown"
    assert "Question 5 of 5" in ended.stdout
    assert "No rows" not in ended.stdout
    assert str(tmp_path / "pyrus-demo.html") in ended.stdout
    assert (tmp_path / "pyrus-demo.html").stat().st_size > 1_000_000
    assert max(map(len, ended.stdout.splitlines())) <= 110
    assert not (tmp_path / DATA / "demo" / "postmaster.pid").exists()
    assert not (tmp_path / DATA / "postgresql-18").exists(), "the user's own database is not touched"

    page = tmp_path / "pyrus-demo.html"
    page.write_text("mine", encoding="utf-8")
    again = program(
        "demo", "--tasks", "1", HOME=str(tmp_path), PYRUS_URL="https://pyrus.invalid", PYRUS_ACCESS_TOKEN="real",
        DATABASE_URL="postgresql://nobody@database.invalid/pyrus",
    )  # fmt: skip
    shell = subprocess.run(
        [sys.executable, "-m", "pyrus_etl", "demo", "--shell"],
        input="SELECT count(*) < 300 FROM tasks WHERE create_date < now() - interval '1 day'",
        env=program_environment(None, None, HOME=str(tmp_path), PAGER="cat"),
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert again.returncode == 0
    assert page.read_text(encoding="utf-8") == "mine"
    assert str(tmp_path / DATA / "pyrus-demo.html") in again.stdout
    assert (shell.returncode, shell.stderr) == (0, "")
    assert " t\n" in shell.stdout


def test_questions_work_if_no_time_has_passed(reports: Reports) -> None:
    """All tasks of the form were closed at the moment of their creation."""
    closing, form = note("2026-03-02 09:00", ActivityAction="Complete"), [value(1, "Text", "What", "A desk")]
    reports.load(task(1, "2026-03-02 09:00", closing, Form=form, Projects=[INVOICES]))
    answers = [reports.ask(question.query) for question in QUESTIONS]

    assert [(row[0], row[-1]) for row in answers[1]] == [("Invoices", None)]


def test_the_shell_without_a_demo_says_what_to_run(tmp_path: Path) -> None:
    ended = program("demo", "--shell", HOME=str(tmp_path))

    assert ended.returncode == 2
    assert "demo first" in ended.stderr
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (timedelta(days=12, hours=3), "12 days"),
        (timedelta(days=4, hours=7, minutes=1), "4 d 7 h"),
        (timedelta(hours=9, minutes=38, seconds=59), "9 h 38 min"),
        (Decimal(6345029), "6,345,029"),
        (None, ""),
        ("two\n\tlines", "two lines"),
    ],
)
def test_values_are_formatted_for_people(cell: object, text: str) -> None:
    assert shown(cell) == text
