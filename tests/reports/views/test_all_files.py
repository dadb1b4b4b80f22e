"""Files of all services in one view: all_files."""

from tests.reports.conftest import Reports
from tests.reports.world import BOB, INVOICES, note, task, utc, value

HASH = "a" * 64


def test_files_of_every_service_are_in_one_view_with_the_place_of_their_contents(reports: Reports) -> None:
    offer = {"Id": 7, "Name": "Offer.PDF", "Size": 1572864}
    reports.load(
        task(1, "2026-03-02 09:00", note("2026-03-02 10:00", BOB, Attachments=[offer]), Projects=[INVOICES]),
    )
    reports.connection.execute("""
        INSERT INTO pyrus.service_files (service, file_id, name, size_bytes, media_type, project_id, task_id, author_id,
            created_at, payload, places, seen_at, deleted_at)
        VALUES ('paymo', '55', 'plan.png', 10, 'image/png', '4', '123', '9', '2026-03-03 09:00Z', '{}', '{task/123}',
                now(), NULL),
            ('onlyoffice', 'dropbox-1', 'plan.png', NULL, NULL, '4', NULL, 'a-b', '2026-03-04 09:00Z',
                '{"createdby": {"displayname": "Mike"}}', '{}', now(), NULL),
            ('paymo', '56', 'gone.png', 10, NULL, '4', NULL, NULL, NULL, '{}', '{}', now(), now())
    """)
    reports.connection.execute("""
        INSERT INTO pyrus.external_tasks (task_id, service, external_task_id)
        VALUES (1, 'paymo', 123), (2, 'paymo', 123), (1, 'onlyoffice', 123)
    """)
    reports.connection.execute(
        f"""
        INSERT INTO pyrus.service_file_contents (service, file_id, status, stored_uri, sha256)
        VALUES ('paymo', '55', 'stored', 's3://files/paymo/55/plan.png', '{HASH}')
    """.encode()
    )

    assert reports.ask("""
        SELECT service, file_id, task_id, service_task_id, task, place, extension, size_bytes, media_type, attached_at,
               attached_by, contents, stored_uri, sha256
        FROM all_files ORDER BY attached_at
    """) == [
        ("pyrus", "7", 1, "1", "Task 1", "task/1", "pdf", 1572864, None, utc("2026-03-02 10:00"),
         "Bob Baker", "not asked for", None, None),
        ("paymo", "55", 1, "123", "Task 1", "task/123", "png", 10, "image/png", utc("2026-03-03 09:00"),
         None, "stored", "s3://files/paymo/55/plan.png", HASH),
        ("onlyoffice", "dropbox-1", None, None, None, "project/4", "png", None, None, utc("2026-03-04 09:00"),
         "Mike", "not asked for", None, None),
    ]  # fmt: skip


def test_the_volume_of_files_is_summed_by_form_type_person_and_month_and_duplicates_are_found(reports: Reports) -> None:
    """A file of two tasks counts once, where it was attached first; a file without a size counts as 0 bytes."""
    offer, same = {"Id": 7, "Name": "Offer.PDF", "Size": 2097152}, {"Id": 8, "Name": "copy.pdf", "Size": 2097152}
    filed = {"Projects": [INVOICES], "Form": [value(10, "Text", "Subject", "Desk")]}
    reports.set_time_zone("Europe/Moscow")
    reports.load(
        task(1, "2026-02-28 09:00", note("2026-02-28 22:00", BOB, Attachments=[offer]), **filed),
        task(2, "2026-03-02 09:00", note("2026-03-03 10:00", BOB, Attachments=[offer, same]), **filed),
        task(3, "2026-03-02 09:00", note("2026-03-04 10:00", BOB, Attachments=[{"Id": 9, "Name": "note"}])),
    )
    reports.connection.execute("""
        INSERT INTO pyrus.service_files (service, file_id, name, size_bytes, created_at, payload, places, seen_at)
        VALUES ('paymo', '55', 'plan.pdf', 2097152, '2026-03-05 09:00Z', '{}', '{}', now())
    """)
    reports.connection.execute(
        f"""
        INSERT INTO pyrus.attachment_contents (task_id, attachment_id, status, sha256)
        VALUES (1, 7, 'stored', '{HASH}'), (2, 7, 'stored', '{HASH}'), (2, 8, 'stored', '{HASH}'),
            (3, 9, 'stored', '{"b" * 64}');
        INSERT INTO pyrus.service_file_contents (service, file_id, status, sha256)
        VALUES ('paymo', '55', 'stored', '{HASH}');
    """.encode()
    )

    assert reports.ask("""
        SELECT service, form, extension, attached_by, month::text, files, bytes, size_mb, stored_files
        FROM file_volume ORDER BY service, form, extension, month
    """) == [
        ("paymo", None, "pdf", None, "2026-03-01", 1, 2097152, 2, 1),
        ("pyrus", "Invoices", "pdf", "Bob Baker", "2026-03-01", 2, 4194304, 4, 2),
        ("pyrus", None, None, "Bob Baker", "2026-03-01", 1, 0, 0, 1),
    ]  # fmt: skip
    assert reports.ask("SELECT * FROM duplicate_files") == [
        (HASH, "Offer.PDF", 3, 2097152, 4194304, utc("2026-02-28 22:00"), utc("2026-03-05 09:00"),
         ["pyrus:7", "pyrus:8", "paymo:55"], [1, 2]),
    ]  # fmt: skip
