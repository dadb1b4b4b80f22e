"""The privacy rules that stored rows follow (privacy_rules). A rebuild applies others to what is stored.

Every function works inside the caller's transaction and is safe to repeat. Rules are known by their digest.
"""

from collections.abc import Callable

from pyrus_etl.postgres.connection import Connection

Hide = Callable[[str, str], str | None]
"""The name of a part of a person, and what it is → what is stored of it."""

PERSON_PARTS = ("email", "phone", "mobile_phone")
_OTHER_KEY = (
    "stored values were hashed with another key, so their hashes cannot be compared with new ones; set the earlier "
    "PYRUS_ETL_HASH_KEY, or begin with an empty database (to keep both hashes: UPDATE pyrus.privacy_rules SET "
    "key_check = NULL)"
)


def are_applied(connection: Connection, digest: str, *, is_needed: bool) -> bool:
    """Whether all stored rows follow the rules. Rows of earlier versions follow no rules."""
    found = connection.execute("SELECT digest = %s AND applied_at IS NOT NULL FROM pyrus.privacy_rules", [digest])
    first = found.fetchone()
    return bool(first[0]) if first else not is_needed or not _has_rows(connection)


def are_begun(connection: Connection, digest: str) -> bool:
    """Whether a rebuild has begun to apply these rules, and has not ended."""
    found = connection.execute("SELECT digest = %s AND applied_at IS NULL FROM pyrus.privacy_rules", [digest])
    first = found.fetchone()
    return bool(first and first[0])


def note_first(connection: Connection, digest: str) -> None:
    """Records the rules of the first run of a database: whatever it stores follows them. Two may begin together."""
    connection.execute(
        """
        INSERT INTO pyrus.privacy_rules (digest, applied_at) SELECT %s, now()
        WHERE NOT EXISTS (SELECT FROM pyrus.privacy_rules) AND NOT EXISTS (SELECT FROM pyrus.tasks)
          AND NOT EXISTS (SELECT FROM pyrus.persons)
        ON CONFLICT (digest) DO NOTHING
        """,
        [digest],
    )


def note_key(connection: Connection, key_check: str | None) -> None:
    """Records which key hashes what is stored from now on, if nothing was hashed before."""
    if key_check:
        connection.execute("UPDATE pyrus.privacy_rules SET key_check = %s WHERE key_check IS NULL", [key_check])


def key_advice(connection: Connection, key_check: str | None) -> str | None:
    """What to do if stored hashes were made with another key."""
    found = connection.execute("SELECT FROM pyrus.privacy_rules WHERE key_check <> %s", [key_check]).fetchone()
    return _OTHER_KEY if found is not None else None


def begin(connection: Connection, digest: str, hide: Hide | None, key_check: str | None = None) -> None:
    """Begins to apply rules: marks all bodies, so that they are hidden again, and hides everything else.

    `hide`: None if the rules name nothing. A task whose rows are newer than its body is doubted, so the next run
    fetches it. Tasks without a body lose what registers said; a backfill that is not done reads the registers again.
    """
    if hide:
        connection.execute("UPDATE pyrus.raw_tasks SET read_by = 0, is_overtaken = false")
        _hide_persons(connection, hide)
        _forget_first_rows(connection)
        _forget_rejected_bodies(connection)
    else:
        connection.execute("UPDATE pyrus.raw_tasks SET read_by = 0")
    found = connection.execute("DELETE FROM pyrus.privacy_rules RETURNING key_check").fetchone()
    kept = found[0] if found else None  # what was hashed before stays as it is
    connection.execute(
        "INSERT INTO pyrus.privacy_rules (digest, key_check) VALUES (%s, %s)", [digest, kept or key_check]
    )


def finish(connection: Connection, digest: str) -> None:
    """Records that everything that is stored follows these rules."""
    connection.execute(
        "UPDATE pyrus.privacy_rules SET applied_at = now() WHERE digest = %s AND applied_at IS NULL", [digest]
    )


def _has_rows(connection: Connection) -> bool:
    found = connection.execute(
        "SELECT EXISTS (SELECT FROM pyrus.tasks) OR EXISTS (SELECT FROM pyrus.persons)"
    ).fetchone()
    return bool(found and found[0])


def _hide_persons(connection: Connection, hide: Hide) -> None:
    found = connection.execute("SELECT person_id, email, phone, mobile_phone FROM pyrus.persons").fetchall()
    changed = []
    for person_id, *parts in found:
        kept = [hide(name, part) if part else part for name, part in zip(PERSON_PARTS, parts, strict=True)]
        if kept != parts:
            changed.append((*kept, person_id))
    query = "UPDATE pyrus.persons SET email = %s, phone = %s, mobile_phone = %s WHERE person_id = %s"
    if changed:
        connection.cursor().executemany(query, changed)


def _forget_first_rows(connection: Connection) -> None:
    without_body = """
        SELECT task_id FROM pyrus.tasks AS task WHERE NOT EXISTS (
            SELECT FROM pyrus.raw_tasks AS raw WHERE raw.task_id = task.task_id
        )
    """
    for table in ("form_value_items", "form_values", "attachments"):
        connection.execute(f"DELETE FROM pyrus.{table} WHERE task_id IN ({without_body})".encode())  # noqa: S608 -- constants
    connection.execute(f"UPDATE pyrus.tasks SET text = NULL, subject = NULL WHERE task_id IN ({without_body})".encode())  # noqa: S608
    connection.execute(
        """
        DELETE FROM pyrus.sync_feeds AS feed USING pyrus.sync_backfills AS backfill
        WHERE backfill.account_id = feed.account_id AND finished_at IS NULL
        """
    )


def _forget_rejected_bodies(connection: Connection) -> None:
    """Deletes bodies that could not be read, and what was said about their values."""
    connection.execute(
        """
        UPDATE pyrus.sync_errors SET payload = NULL, error = CASE WHEN stage = 'fetch' THEN error
            ELSE 'What was said here was deleted when other privacy rules were applied.' END
        WHERE payload IS NOT NULL OR stage <> 'fetch'
        """
    )
