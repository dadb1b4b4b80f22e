"""Files of all services in one view: all_files."""

from tests.reports.conftest import Reports
from tests.reports.world import BOB, INVOICES, note, task, utc

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
