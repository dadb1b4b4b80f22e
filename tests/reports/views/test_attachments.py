"""Files, and whether their contents were downloaded: attachment_overview."""

from decimal import Decimal

from tests.reports.conftest import Reports
from tests.reports.world import BOB, INVOICES, note, task, utc, value


def test_a_file_shows_its_note_its_size_and_whether_it_was_fetched(reports: Reports) -> None:
    offer = {"Id": 7, "Name": "Offer.v2.PDF", "Size": 1572864}
    reports.load(
        task(
            1,
            "2026-03-02 09:00",
            note("2026-03-02 10:00", BOB, Attachments=[offer, {"Id": 8, "Name": "README", "ExistingId": 5}]),
            Form=[value(10, "Files", "Scans", [{"Id": 9, "Name": "scan.jpg", "Size": 2048}])],
            Projects=[INVOICES],
        )
    )
    reports.connection.execute("""
        INSERT INTO pyrus.attachment_contents (task_id, attachment_id, status, stored_uri)
        VALUES (1, 7, 'stored', 'file:///7')
    """)

    assert reports.ask("""
        SELECT task_id, form, attachment_id, extension, size_bytes, size_mb, size_class, is_new_version, attached_at,
               attached_by, field, contents, stored_uri
        FROM attachment_overview ORDER BY attachment_id
    """) == [
        (1, "Invoices", 7, "pdf", 1572864, Decimal("1.50"), "3: below 10 MB", False, utc("2026-03-02 10:00"),
         "Bob Baker", None, "stored", "file:///7"),
        (1, "Invoices", 8, None, None, None, None, True, utc("2026-03-02 10:00"),
         "Bob Baker", None, "not asked for", None),
        (1, "Invoices", 9, "jpg", 2048, Decimal("0.00"), "1: below 100 kB", False, utc("2026-03-02 09:00"),
         None, "Scans", "not asked for", None),
    ]  # fmt: skip
