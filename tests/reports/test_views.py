"""Rules for every view of pyrus_report."""

from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.views import views
from pyrus_etl.settings import Secret
from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, CONTRACTS, LEGAL, Json, approval, note, on, task, value

COMMENTS = """
    SELECT relname::text, attname::text, coalesce(col_description(relation.oid, attnum), '')
    FROM pg_class AS relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0
    WHERE relnamespace = 'pyrus_report'::regnamespace
"""
QUESTIONS = """
    SELECT relname::text, coalesce(obj_description(oid, 'pg_class'), '')
    FROM pg_class WHERE relnamespace = 'pyrus_report'::regnamespace AND relkind = 'v'
"""


def test_every_column_has_a_comment(reports: Reports) -> None:
    assert [(view, column) for view, column, comment in reports.ask(COMMENTS) if not comment] == []


def test_every_view_begins_its_comment_with_the_question_that_it_answers(reports: Reports) -> None:
    assert [view for view, comment in reports.ask(QUESTIONS) if "?" not in comment] == []


def test_every_view_can_be_read_on_every_server(each_database: Secret) -> None:
    with connect(each_database) as connection:
        reports = Reports(connection)
        reports.load(task(1, "2026-03-02 09:00", note("2026-03-02 09:00", ApprovalsAdded=[[BOB]])))

        for view in views():
            reports.ask(f"SELECT * FROM {view}")
        assert {view for view, _ in reports.ask(QUESTIONS)} == set(views())


def test_a_project_has_its_path_from_the_root(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", Projects=[CONTRACTS]))

    assert reports.ask("SELECT project_id, path, root_id, depth FROM project_paths ORDER BY 1") == [
        (LEGAL["Id"], "Legal", LEGAL["Id"], 1),
        (CONTRACTS["Id"], "Legal / Contracts", LEGAL["Id"], 2),
    ]


def test_a_project_without_a_name_appears_in_a_path_by_its_id(reports: Reports) -> None:
    nameless: tuple[Json, ...] = ({"Id": 300}, {"Id": 400, "Name": ""})
    below: list[Json] = [{"Id": root["Id"] + 1, "Name": "Below", "Parent": root} for root in nameless]
    below.append({"Id": 402, "Parent": below[-1]})
    reports.load(*(task(each["Id"], "2026-03-02 09:00", Projects=[each]) for each in below))

    assert reports.ask("SELECT project_id, path, root_name FROM project_paths ORDER BY 1") == [
        (300, "Project 300", "Project 300"),
        (301, "Project 300 / Below", "Project 300"),
        (400, "Project 400", "Project 400"),
        (401, "Project 400 / Below", "Project 400"),
        (402, "Project 400 / Below / Project 402", "Project 400"),
    ]


def test_a_person_is_shown_by_name_else_by_e_mail_else_by_id(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", Author=ANN, Responsible=BOB | {"FirstName": "", "LastName": ""}))
    reports.load(task(2, "2026-03-02 09:00", Author={"Id": 9}))

    assert reports.ask("SELECT person_id, name FROM person_names ORDER BY 1") == [
        (1, "Ann Archer"),
        (2, "bob@example.com"),
        (9, "Person 9"),
    ]


def test_a_deleted_task_is_left_out_of_every_view_but_one(reports: Reports) -> None:
    filed = {"Projects": [CONTRACTS], "Form": [value(1, "Text", "Subject", "Desk")], "Responsible": BOB}
    opening = note("2026-03-02 09:00", ApprovalsAdded=[[BOB]], Form=[value(1, "Text", "Subject", "Chair")])
    reports.load(task(1, "2026-03-02 09:00", opening, Approvals=[[approval(BOB)]], DueDate=on("2026-03-03"), **filed))
    views = [view for view, column, _ in reports.ask(COMMENTS) if column == "task_id"]
    found = {view for view in views if reports.ask(f"SELECT FROM {view}")}
    reports.connection.execute("UPDATE pyrus.tasks SET deleted_at = '2026-03-10 00:00+00'")

    assert {view for view in views if reports.ask(f"SELECT FROM {view}")} == {"deleted_tasks"}
    assert len(found) > 10
