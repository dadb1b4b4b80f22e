"""The wide views: a form as a table with one row per task and one column per field."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.materialized import materialize
from pyrus_etl.reports.refresh import Refreshed, refresh
from pyrus_etl.reports.views import views
from pyrus_etl.reports.wide_views.catalogue import fields_without_column
from pyrus_etl.reports.wide_views.columns import MOST_COLUMNS
from pyrus_etl.settings import Secret
from tests.normalize.reading import FULL
from tests.reports.conftest import Reports
from tests.reports.test_views import COMMENTS, QUESTIONS
from tests.reports.world import ANN, BOB, CONTRACTS, INVOICES, LEGAL, Json, at, task, value

COLUMNS = """
    SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = 'pyrus_report.{}'::regclass AND attnum > 0 ORDER BY attnum
"""
FULL_NAMES = """
    SELECT attname::text, col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = 'pyrus_report.{}'::regclass AND attnum > 0 ORDER BY attnum
"""
VIEWS = "SELECT relname::text, oid::bigint FROM pg_class WHERE relname LIKE 'form%' AND relkind = 'v' ORDER BY 1"
IN_FRONT = 12
"""Columns of the task, before those of the fields."""


def invoice(number: int, *form: Json, project: Json = INVOICES, **properties: Any) -> Json:
    """A task of a form."""
    return task(number, "2026-03-02 09:00", Projects=[project], Form=list(form), **properties)


def columns(reports: Reports, view: str) -> list[str]:
    """The names of the columns that show fields."""
    return [name for name, _ in reports.ask(COLUMNS.format(view))][IN_FRONT:]


def full_names(reports: Reports, view: str) -> dict[str, str]:
    return dict(reports.ask(FULL_NAMES.format(view))[IN_FRONT:])


def test_every_field_type_has_a_column_of_its_kind(reports: Reports) -> None:
    """The name of the field of each type, in the task that uses all types."""
    reports.load(json.loads(FULL, parse_float=Decimal)["TaskWithNotes"])
    refresh(reports.connection)
    shown = reports.ask("SELECT row_to_json(form_repairs) ->> 'task_id', * FROM form_repairs")[0][1 + IN_FRONT :]
    kinds = [kind for _, kind in reports.ask(COLUMNS.format("form_repairs"))][IN_FRONT:]

    assert dict(zip(columns(reports, "form_repairs"), zip(kinds, shown, strict=True), strict=True)) == {
        "what": ("text", 'A burner,\n"model 7"\tand\\or 8'),
        "suppliers_mail": ("text", "sales@burners.example"),
        "status": ("text", "Closed"),
        "hint": ("text", "Fill in all fields"),
        "call": ("text", "+44 5550101"),
        "call_at_night": ("text", "5550102"),
        "paid": ("boolean", True),
        "insured": ("boolean", False),
        "in_stock": ("boolean", None),
        "urgent": ("boolean", True),
        "used": ("boolean", False),
        "pieces": ("numeric", 2),
        "weight": ("numeric", Decimal("-0.125")),
        "price": ("numeric", Decimal("1234567890123456789012345678.901234567890")),
        "step": ("numeric", 4),
        "delivery": ("date", date(2024, 2, 29)),
        "due": ("date", date(2023, 11, 15)),
        "decided": ("timestamp with time zone", datetime(2023, 11, 14, 23, 13, 20, 789000, UTC)),
        "filled_in": ("timestamp with time zone", datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)),
        "at": ("time without time zone", time(23, 59)),
        "fitter": ("text", "Ruzicka"),
        "fitter_id": ("bigint", 74),
        "responsible_2": ("text", "Jorge Pell"),
        "responsible_2_id": ("bigint", 72),
        "author_2": ("text", "Ilse Marrow"),
        "author_2_id": ("bigint", 71),
        "decided_by": ("text", "Amélie Quist"),
        "decided_by_id": ("bigint", 73),
        "hall": ("text", "Hall B"),
        "hall_id": ("bigint", 506),
        "part": ("text", "Burner"),
        "part_id": ("bigint", 4294967296),
        "section": ("boolean", True),
        "photos": ("text", "again.png, burner.png"),
        "links": ("text", "https://burners.example/7"),
        "sender": ("jsonb", {"ExternalFormAuthor": {"Email": "guest@mail.example", "Name": None}}),
        "what_is_it": ("jsonb", {"Something": {"Deep": [1, None, 2.5]}}),
        "new_kind": ("jsonb", {"Hologram": True, "Angle": 90}),
        "nothing": ("jsonb", None),
    }


def test_a_table_in_a_form_has_a_view_of_its_own(reports: Reports) -> None:
    reports.load(json.loads(FULL, parse_float=Decimal)["TaskWithNotes"])
    refresh(reports.connection)

    assert reports.ask("SELECT row_id, amount, remark FROM form_repairs_invoices ORDER BY row_id") == [
        (0, Decimal("100.10"), None),
        (1, 1000, None),
    ]


def test_rows_of_an_unknown_table_and_tables_below_sections_have_views(reports: Reports) -> None:
    def cell(field_id: int, name: str, parent: int | None) -> Json:
        field = {"Id": field_id, "Type": "Text", "Name": name, "ParentId": parent}
        return {"Field": field, "RowId": 1, "Text": name}

    heading = value(5, "Title", "Lines")
    reports.load(invoice(1, heading, cell(6, "Part", 5), cell(7, "Below", 6), cell(8, "Lost", None)))
    refresh(reports.connection)

    assert reports.ask("SELECT part, below FROM form_invoices_lines") == [("Part", "Below")]
    assert reports.ask("SELECT lost FROM form_invoices_rows_0") == [("Lost",)]


@pytest.mark.parametrize("parents", [{6: 6}, {6: 7, 7: 6}, {6: 7, 7: 8, 8: 7}])
def test_rows_whose_fields_form_a_cycle_have_no_table(reports: Reports, parents: dict[int, int]) -> None:
    def cell(field_id: int, parent: int) -> Json:
        field = {"Id": field_id, "Type": "Text", "Name": f"Part {field_id}", "ParentId": parent}
        return {"Field": field, "RowId": 1, "Text": "a"}

    reports.load(invoice(1, *(cell(*each) for each in parents.items())), invoice(2, value(1, "Text", "What", "b")))
    refresh(reports.connection)

    assert reports.ask("SELECT part_6 FROM form_invoices_rows_0") == [("a",)]
    assert reports.ask("SELECT what FROM form_invoices WHERE task_id = 2") == [("b",)]


def test_a_table_without_columns_harms_no_view(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Text", "What", "a")))
    reports.connection.execute(
        "INSERT INTO pyrus.report_views (form_id, table_id, view_name) SELECT form_id, 9, 'form_9' FROM pyrus.tasks"
    )
    refresh(reports.connection)

    assert reports.ask("SELECT what FROM form_invoices") == [("a",)]
    assert reports.ask("SELECT task_id, row_id FROM form_9") == []


def test_a_form_with_more_fields_than_a_view_can_have_shows_the_first_and_harms_no_other(
    reports: Reports, caplog: pytest.LogCaptureFixture
) -> None:
    fields = (value(number, "Text", f"Field {number}", f"{number}") for number in range(1, 1701))
    reports.load(invoice(1, *fields), invoice(2, value(1, "Text", "What", "b"), project=LEGAL))
    for _ in range(2):
        refresh(reports.connection)

    assert len(columns(reports, "form_invoices")) == MOST_COLUMNS
    assert reports.ask(f"SELECT field_1, field_{MOST_COLUMNS} FROM form_invoices") == [("1", f"{MOST_COLUMNS}")]
    assert reports.ask("SELECT what FROM form_legal") == [("b",)]
    assert fields_without_column(reports.connection) == 0
    assert (
        caplog.messages
        == ["the form “Invoices” has more fields than a view can show: 200 columns are left out of form_invoices"] * 2
    )


def test_the_columns_of_the_task_come_first(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Text", "What", "a"), Responsible=BOB))
    refresh(reports.connection)
    front = "task_id, text, link, author, author_id, responsible, responsible_id, create_date, close_date, state"

    assert reports.ask(f"SELECT {front}, what FROM form_invoices") == [
        (
            *(1, "Task 1", "https://pyrus.com/t#id1", "Ann Archer", ANN["Id"], "Bob Baker", BOB["Id"]),
            *(datetime(2026, 3, 2, 9, tzinfo=UTC), None, "open", "a"),
        )
    ]


def test_deleted_tasks_are_left_out(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Text", "What", "a")), invoice(2, value(1, "Text", "What", "b")))
    refresh(reports.connection)
    reports.ask("UPDATE tasks SET deleted_at = now() WHERE task_id = 1 RETURNING 1")

    assert reports.ask("SELECT task_id FROM form_invoices") == [(2,)]


NAMES = {
    "Сумма, €": "summa_eur",
    "Щёки и объём": "shcheki_i_obem",
    "合同审批": "hetongshenpi",
    "عقد": "qd",
    "Größe (mm)": "grosse_mm",
    "🚀": "rocket",
    "—": "field_{}",
    "": "field_{}",
    "2024 budget": "_2024_budget",
    "Order": "_order",
    "ctid": "_ctid",
    "Task ID": "task_id_2",
    "Text": "text_2",
    "Amount": "amount",
    "AMOUNT": "amount_2",
    "Amount 2": "amount_2_2",
    "x" * 80: "x" * 63,
    "x" * 81: "x" * 61 + "_2",
    'a"; DROP TABLE pyrus.tasks; --': "a_drop_table_pyrus_tasks",
    "100 % {of} %s": "_100_of_s",
    "it's": "its",
}


def test_columns_are_named_after_their_fields_in_ascii_that_needs_no_quotes(reports: Reports) -> None:
    form = [value(number, "Text", name, name) for number, name in enumerate(NAMES, start=1)]
    reports.load(invoice(1, *form))
    refresh(reports.connection)
    expected = [name.format(number) for number, name in enumerate(NAMES.values(), start=1)]
    found = columns(reports, "form_invoices")

    assert found == expected
    assert all(re.fullmatch("[a-z_][a-z0-9_]{0,62}", name) for name in found)
    assert reports.ask(f"SELECT {', '.join(found)} FROM form_invoices") == [tuple(NAMES)]
    assert list(full_names(reports, "form_invoices").values()) == [
        name or f"Field {number}" for number, name in enumerate(NAMES, start=1)
    ]


def test_the_id_of_a_person_gets_a_free_name_even_if_a_field_has_it(reports: Reports) -> None:
    reports.load(
        invoice(1, value(1, "Text", "Buyer id"), value(2, "Person", "Buyer", ANN), value(3, "Person", "y" * 70))
    )
    refresh(reports.connection)

    assert columns(reports, "form_invoices") == ["buyer_id", "buyer_2", "buyer_2_id", "y" * 60, "y" * 60 + "_id"]


def test_a_type_of_field_may_be_any_text(reports: Reports) -> None:
    kind = "'); DROP TABLE pyrus.tasks; -- %s {} \\"
    reports.load(invoice(1, {"Field": {"Id": 1, "Type": kind, "Name": "Odd"}, "Some": 1}, {"Field": {"Id": 2}}))
    refresh(reports.connection)

    assert reports.ask("SELECT odd, field_2 FROM form_invoices") == [({"Some": 1}, None)]


def test_views_are_named_after_their_forms(reports: Reports) -> None:
    forms: list[Json] = [{"Id": 1, "Name": "Счёт"}, {"Id": 2, "Name": "Счёт"}, {"Id": 3}, {"Id": 4, "Name": "z" * 90}]
    for form in forms:
        reports.load(invoice(form["Id"], value(1, "Text", "What"), project=form))
    refresh(reports.connection)

    assert [name for name, _ in reports.ask(VIEWS)] == [
        *("form_3", "form_schet", "form_schet_2", "form_" + "z" * 58),
    ]


def test_no_other_view_has_the_name_of_a_forms_view() -> None:
    assert [name for name in views() if name.startswith("form_")] == []


def test_a_second_refresh_changes_nothing(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Text", "What", "a"), value(2, "Person", "Who", ANN)))
    first = refresh(reports.connection)
    before = reports.ask(VIEWS)

    assert first == (["form_invoices"], ["form_invoices"], {"form_invoices": ["what", "who", "who_id"]}, [])
    assert refresh(reports.connection) == (["form_invoices"], [], {}, [])
    assert reports.ask(VIEWS) == before


def test_a_field_that_is_renamed_keeps_its_column_and_gets_the_new_full_name(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Decimal", "Sum", 7)))
    refresh(reports.connection)
    reports.load(invoice(1, value(1, "Decimal", "Grand total", 8)))
    refresh(reports.connection)

    assert full_names(reports, "form_invoices") == {"sum": "Grand total"}
    assert reports.ask("SELECT sum FROM form_invoices") == [(8,)]


def test_a_form_that_is_renamed_keeps_its_view(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Text", "What")))
    refresh(reports.connection)
    reports.load(invoice(2, value(1, "Text", "What"), project=INVOICES | {"Name": "Bills"}))
    refresh(reports.connection)

    assert [name for name, _ in reports.ask(VIEWS)] == ["form_invoices"]
    assert (
        "form_invoices",
        "What are the values of the form “Bills”? One row per task that is not deleted.",
    ) in reports.ask(QUESTIONS)


def test_new_fields_are_appended_and_the_users_views_stay(reports: Reports) -> None:
    reports.load(invoice(1, value(5, "Text", "Last", "z")))
    refresh(reports.connection)
    reports.connection.execute("CREATE VIEW public.mine AS TABLE pyrus_report.form_invoices")
    reports.load(invoice(2, value(4, "Text", "First", "a"), value(5, "Text", "Last", "y")))

    assert refresh(reports.connection).columns_made == {"form_invoices": ["first"]}
    assert columns(reports, "form_invoices") == ["last", "first"]
    assert reports.ask("SELECT task_id, last FROM public.mine ORDER BY 1") == [(1, "z"), (2, "y")]


def test_a_field_whose_type_changed_has_a_second_column_and_the_first_keeps_its_values(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Text", "Sum", "seven")))
    refresh(reports.connection)
    reports.load(invoice(2, value(1, "Decimal", "Sum", 7)))
    refresh(reports.connection)

    assert reports.ask("SELECT task_id, sum, sum_2 FROM form_invoices ORDER BY 1") == [(1, "seven", None), (2, None, 7)]
    assert full_names(reports, "form_invoices") == {"sum": "Sum, while it was Text", "sum_2": "Sum"}


def test_types_that_a_field_had_before_the_first_refresh_are_shown_too(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Text", "Sum", "seven")))
    reports.load(invoice(2, value(1, "Decimal", "Sum", 7)))
    refresh(reports.connection)

    assert reports.ask("SELECT task_id, sum, sum_2 FROM form_invoices ORDER BY 1") == [(1, None, "seven"), (2, 7, None)]


def test_a_form_without_tasks_keeps_its_view(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Text", "What", "a"), project=CONTRACTS))
    refresh(reports.connection)
    reports.ask(f"INSERT INTO form_overrides VALUES ({CONTRACTS['Id']}, {CONTRACTS['Id']}) RETURNING 1")
    refresh(reports.connection)

    assert reports.ask("SELECT count(*) FROM form_legal") == [(0,)]
    assert reports.ask("SELECT what FROM form_contracts") == [("a",)]
    assert reports.ask(f"SELECT form_id FROM tasks WHERE form_id <> {LEGAL['Id']}") == [(CONTRACTS["Id"],)]


@pytest.mark.parametrize("times", [1, 2])
def test_a_field_that_is_served_twice_is_shown_once(reports: Reports, times: int) -> None:
    reports.load(invoice(1, *[value(1, "Text", "What", "a")] * times))
    refresh(reports.connection)

    assert reports.ask("SELECT task_id, what FROM form_invoices") == [(1, "a")]


def test_a_form_without_fields_outside_of_its_table_still_lists_its_tasks(reports: Reports) -> None:
    reports.load(
        invoice(1, {"Field": {"Id": 2, "Type": "Text", "Name": "Item", "ParentId": 1}, "RowId": 1, "Text": "a"})
    )
    refresh(reports.connection)

    assert reports.ask("SELECT task_id FROM form_invoices") == [(1,)]
    assert reports.ask("SELECT item FROM form_invoices_rows_1") == [("a",)]


def test_wide_views_have_comments_on_everything_and_a_question_too(reports: Reports) -> None:
    reports.load(json.loads(FULL, parse_float=Decimal)["TaskWithNotes"])
    refresh(reports.connection)

    assert [(view, column) for view, column, comment in reports.ask(COMMENTS) if not comment] == []
    assert [view for view, comment in reports.ask(QUESTIONS) if "?" not in comment] == []


def test_without_tasks_no_view_is_created(reports: Reports) -> None:
    reports.load(task(1, "2026-03-02 09:00", Projects=[INVOICES], DueDate=at("2026-03-05 00:00")))

    assert refresh(reports.connection) == ([], [], {}, [])


def test_a_reader_of_a_wide_view_blocks_no_other(reports: Reports, database: Secret) -> None:
    reports.load(invoice(1, value(1, "Text", "What", "a")), invoice(2, value(2, "Text", "Of what"), project=CONTRACTS))
    refresh(reports.connection)
    reports.load(invoice(1, value(1, "Text", "Subject")), invoice(2, value(3, "Text", "With whom"), project=CONTRACTS))
    with connect(database) as reader, reader.transaction():
        reader.execute("SELECT * FROM pyrus_report.form_invoices")

        assert refresh(reports.connection).columns_made == {"form_legal": ["with_whom"]}
        assert full_names(reports, "form_invoices") == {"what": "Subject"}


def test_a_wide_view_that_somebody_dropped_is_recreated(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Text", "What", "a")))
    refresh(reports.connection)
    reports.connection.execute("DROP VIEW pyrus_report.form_invoices")
    refresh(reports.connection)

    assert full_names(reports, "form_invoices") == {"what": "What"}


def test_a_wide_view_that_somebody_changed_is_named(reports: Reports) -> None:
    reports.load(invoice(1, value(1, "Text", "What", "a")))
    refresh(reports.connection)
    reports.connection.execute("ALTER VIEW pyrus_report.form_invoices RENAME COLUMN what TO that")

    with pytest.raises(DatabaseUnavailable, match=r"view form_invoices cannot be replaced in place: .*that"):
        refresh(reports.connection)


def test_refreshes_at_once_take_turns(reports: Reports, database: Secret) -> None:
    reports.load(invoice(1, value(1, "Text", "What", "a")))

    def one_more() -> Refreshed:
        with connect(database) as connection:
            return refresh(connection)

    with ThreadPoolExecutor(4) as together:
        made = [started.result().columns_made for started in [together.submit(one_more) for _ in range(4)]]

    assert sorted(made, key=len) == [{}, {}, {}, {"form_invoices": ["what"]}]


def test_a_form_whose_rows_are_too_long_for_a_table_is_not_materialised(reports: Reports) -> None:
    form = [value(number, "Text", f"Field {number}", "thirty letters or a little more") for number in range(500)]
    reports.load(invoice(1, *form))
    refresh(reports.connection)

    with pytest.raises(SettingsError, match=r"form_invoices cannot be materialised.*row is too big"):
        materialize(reports.connection, "form_invoices")
    assert len(columns(reports, "form_invoices")) == 500
