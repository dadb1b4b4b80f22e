"""Values of forms, and who changed them: field_values, task_fields, field_history."""

from decimal import Decimal

from tests.reports.conftest import Reports
from tests.reports.world import ANN, BOB, CAT, CONTRACTS, INVOICES, at, both_apis, note, on, task, utc, value

SUPPLIER = {"CatalogItemId": 9, "CatalogItemValues": ["Acme", "A-1"], "CatalogHeaders": ["Name", "Code"]}
LINES = {"Id": 20, "Type": "Title", "Name": "Lines"}
FILES = [{"Id": 7, "Name": "a.pdf"}, {"Id": 8, "Name": "b.pdf"}]


def test_every_type_of_field_reads_as_text(reports: Reports) -> None:
    form = [
        value(1, "Text", "Subject", "Desk"),
        value(2, "Decimal", "Amount", 12.50),
        value(3, "Date", "Needed by", on("2026-04-01")),
        value(4, "CreationDate", "Submitted", at("2026-03-02 21:30")),
        value(5, "Time", "Call at", {"UtcHour": 9, "UtcMinute": 5}),
        value(6, "Checkmark", "Paid", "Checked"),
        value(7, "Person", "Buyer", BOB),
        value(8, "Project", "Folder", CONTRACTS),
        value(9, "Catalog", "Supplier", **SUPPLIER),
        value(10, "Files", "Offers", FILES),
        value(11, "FileUrls", "Pictures", [{"Url": "https://pictures.example/1"}]),
        value(12, "ExternalFormAuthor", "Sent by", "office@acme.example"),
        value(13, "Stars", "Unheard of", 5),
        value(14, "Text", "Left empty"),
    ]
    reports.load(task(1, "2026-03-02 21:30", Form=form, Projects=[INVOICES]))
    reports.connection.execute("UPDATE pyrus.report_settings SET time_zone = 'Europe/Moscow'")

    assert reports.ask("SELECT field, value FROM task_fields ORDER BY value_no") == [
        ("Subject", "Desk"),
        ("Amount", "12.5"),
        ("Needed by", "2026-04-01"),
        ("Submitted", "2026-03-03 00:30"),
        ("Call at", "09:05"),
        ("Paid", "Checked"),
        ("Buyer", "Bob Baker"),
        ("Folder", "Contracts"),
        ("Supplier", "Acme"),
        ("Offers", "a.pdf, b.pdf"),
        ("Pictures", "https://pictures.example/1"),
        ("Sent by", "office@acme.example"),
        ("Unheard of", "5"),
        ("Left empty", None),
    ]


def test_a_field_keeps_its_type_its_row_and_its_table(reports: Reports) -> None:
    cell = {"Field": {"Id": 21, "Type": "Decimal", "Name": "Price", "ParentId": 20}, "RowId": 2, "Decimal": 3}
    reports.load(task(1, "2026-03-02 09:00", Form=[{"Field": LINES}, cell], Projects=[INVOICES]))

    assert reports.ask("""
        SELECT task_id, form, value_no, field_id, field, field_type, row_id, parent_field, value,
               value_number, value_person
        FROM task_fields ORDER BY value_no
    """) == [
        (1, "Invoices", 1, 20, "Lines", "Title", None, None, None, None, None),
        (1, "Invoices", 2, 21, "Price", "Decimal", 2, "Lines", "3", 3, None),
    ]


@both_apis
def test_a_change_shows_the_value_that_the_previous_note_set(reports: Reports) -> None:
    reports.load(
        task(
            1,
            "2026-03-02 09:00",
            note("2026-03-02 09:00", ANN, Form=[value(2, "Decimal", "Amount", 10)]),
            note("2026-03-02 10:00", BOB, Text="Nothing changed."),
            note("2026-03-02 12:30", BOB, Form=[value(2, "Decimal", "Amount", 12.5), value(7, "Person", "Buyer", CAT)]),
            note("2026-03-03 12:30", CAT, Form=[value(2, "Decimal", "Amount")]),
            Form=[value(2, "Decimal", "Amount")],
            Projects=[INVOICES],
        )
    )

    found = reports.ask("""
        SELECT task_id, form, changed_at, person, note_no, field, old_value, new_value, old_number, new_number,
               stood_hours
        FROM field_history ORDER BY note_no, value_no
    """)
    emptied = 1, "Invoices", utc("2026-03-03 12:30"), "Cat Cooper", 4, "Amount", "12.5", None, Decimal("12.5"), None, 24

    assert found == [
        (1, "Invoices", utc("2026-03-02 09:00"), "Ann Archer", 1, "Amount", None, "10", None, 10, None),
        (1, "Invoices", utc("2026-03-02 12:30"), "Bob Baker", 3, "Amount", "10", "12.5", 10, Decimal("12.5"),
         Decimal("3.50")),
        (1, "Invoices", utc("2026-03-02 12:30"), "Bob Baker", 3, "Buyer", None, "Cat Cooper", None, None, None),
        *([emptied] if reports.api == "v3" else []),  # API v4 does not say that a note emptied a field
    ]  # fmt: skip


@both_apis
def test_each_row_of_a_table_has_a_history_of_its_own(reports: Reports) -> None:
    reports.load(
        task(
            1,
            "2026-03-02 09:00",
            note("2026-03-02 09:00", Form=[value(5, "Number", "Pieces", 1, RowId=1)]),
            note("2026-03-02 10:00", Form=[value(5, "Number", "Pieces", 4, RowId=2)]),
            note("2026-03-02 11:00", Form=[value(5, "Number", "Pieces", 2, RowId=1)]),
        )
    )

    assert reports.ask("SELECT row_id, old_value, new_value FROM field_history ORDER BY note_no") == [
        (1, None, "1"),
        (2, None, "4"),
        (1, "1", "2"),
    ]


@both_apis
def test_field_values_has_the_form_as_it_is_and_what_each_note_set(reports: Reports) -> None:
    amount = value(2, "Decimal", "Amount", 10)
    reports.load(task(1, "2026-03-02 09:00", note("2026-03-02 09:00", Form=[amount]), Form=[amount]))

    assert reports.ask("SELECT task_id, note_no, field_name, value FROM field_values ORDER BY note_no") == [
        (1, 1, "Amount", "10"),
        (1, None, "Amount", "10"),
    ]
