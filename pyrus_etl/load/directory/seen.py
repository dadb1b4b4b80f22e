"""What each account sees of the directory. What no account sees any more is marked; what comes back is unmarked.

An account that has completed no run for two days does not count: nobody knows what it would see. A form that left the
list of forms, or whose register is refused, is lost: the account lost rights, so the absence of its tasks says nothing
about them. Every function works inside the caller's transaction.
"""

from collections.abc import Collection, Mapping
from typing import LiteralString

from pyrus_etl.load.sharing.readers import LIVE
from pyrus_etl.model.stream import CATALOGS, FORMS, LISTS, ROLES
from pyrus_etl.postgres.connection import Connection

_MARK: Mapping[str, LiteralString] = {
    FORMS: "UPDATE pyrus.forms SET lost_at = now() WHERE form_id = ANY(%s) AND lost_at IS NULL",
    LISTS: "UPDATE pyrus.projects SET deleted = true WHERE project_id = ANY(%s) AND deleted IS NOT true",
    CATALOGS: "UPDATE pyrus.catalogs SET deleted = true WHERE catalog_id = ANY(%s) AND deleted IS NOT true",
    ROLES: "UPDATE pyrus.roles SET fired = true WHERE role_id = ANY(%s) AND fired IS NOT true",
}
"""Stream → marks what is gone. What is served again overwrites its mark, except for a form."""

_SEEN: LiteralString = f"""
    SELECT thing_id, bool_or(gone_at IS NULL AND (refused_at IS NULL OR stream <> %(forms)s)
        AND (account_id = %(account_id)s OR account_id IN {LIVE}))
    FROM pyrus.directory_sightings WHERE stream = %(stream)s AND thing_id IN (
        SELECT thing_id FROM pyrus.directory_sightings WHERE account_id = %(account_id)s AND stream = %(stream)s
    ) GROUP BY thing_id
"""  # noqa: S608 -- a constant
"""What an account has ever seen of a stream, and whether an account that counts sees it now."""


def see(connection: Connection, account_id: int, stream: str, ids: Collection[int], *, is_whole: bool) -> None:
    """Records that an account sees these things of a stream; if it sees no others, marks those that nobody sees."""
    parameters = {"account_id": account_id, "stream": stream, "ids": list(ids), "is_whole": is_whole}
    connection.execute(
        """
        INSERT INTO pyrus.directory_sightings AS sighting (account_id, stream, thing_id)
        SELECT %(account_id)s, %(stream)s, id FROM unnest(%(ids)s::bigint[]) AS seen (id)
        LEFT JOIN pyrus.directory_sightings AS old
            ON old.account_id = %(account_id)s AND old.stream = %(stream)s AND old.thing_id = id
        WHERE old.thing_id IS NULL OR old.gone_at IS NOT NULL ORDER BY id
        ON CONFLICT (account_id, stream, thing_id) DO UPDATE SET gone_at = NULL
        """,
        parameters,
    )
    connection.execute(
        """
        UPDATE pyrus.directory_sightings SET gone_at = now()
        WHERE account_id = %(account_id)s AND stream = %(stream)s AND gone_at IS NULL AND %(is_whole)s
          AND NOT thing_id = ANY(%(ids)s::bigint[])
        """,
        parameters,
    )
    _mark(connection, account_id, stream)


def mark_lost(connection: Connection, account_id: int, form_ids: Collection[int]) -> None:
    """Records that Pyrus refuses the registers of these forms to an account."""
    _set_refused(connection, account_id, form_ids, is_refused=True)


def found_again(connection: Connection, account_id: int, form_ids: Collection[int]) -> None:
    """Records that the registers of these forms answer this account."""
    _set_refused(connection, account_id, form_ids, is_refused=False)


def lost_forms(connection: Connection, account_id: int) -> list[int]:
    """The forms that this account has lost while no other account sees them: a run of it ends with 6."""
    query = """
        SELECT form_id FROM pyrus.forms JOIN pyrus.directory_sightings ON thing_id = form_id
        WHERE account_id = %s AND stream = %s AND lost_at IS NOT NULL
          AND (gone_at IS NOT NULL OR refused_at IS NOT NULL)
        ORDER BY form_id
    """
    return [form_id for (form_id,) in connection.execute(query, [account_id, FORMS])]


def unseen_forms(connection: Connection, account_id: int) -> list[int]:
    """The forms that this account has lost, even if others see them: its census says nothing about their tasks."""
    query = """
        SELECT thing_id FROM pyrus.directory_sightings
        WHERE account_id = %s AND stream = %s AND (gone_at IS NOT NULL OR refused_at IS NOT NULL) ORDER BY thing_id
    """
    return [form_id for (form_id,) in connection.execute(query, [account_id, FORMS])]


def refuse_contents(connection: Connection, account_id: int, catalog_id: int, version: int | None) -> None:
    """Records that the contents of this version of a catalog could not be read."""
    connection.execute(
        """
        UPDATE pyrus.directory_sightings SET refused_at = now(), refused_version = %s
        WHERE account_id = %s AND stream = %s AND thing_id = %s
        """,
        [version, account_id, CATALOGS, catalog_id],
    )


def _set_refused(connection: Connection, account_id: int, form_ids: Collection[int], *, is_refused: bool) -> None:
    connection.execute(
        """
        INSERT INTO pyrus.directory_sightings AS sighting (account_id, stream, thing_id, refused_at)
        SELECT %(account_id)s, %(stream)s, id, CASE WHEN %(is_refused)s THEN now() END
        FROM unnest(%(ids)s::bigint[]) AS form (id) LEFT JOIN pyrus.directory_sightings AS old
            ON old.account_id = %(account_id)s AND old.stream = %(stream)s AND old.thing_id = id
        WHERE (old.refused_at IS NOT NULL) <> %(is_refused)s ORDER BY id
        ON CONFLICT (account_id, stream, thing_id) DO UPDATE SET refused_at = EXCLUDED.refused_at
        """,
        {"account_id": account_id, "stream": FORMS, "ids": list({*form_ids}), "is_refused": is_refused},
    )
    _mark(connection, account_id, FORMS)


def _mark(connection: Connection, account_id: int, stream: str) -> None:
    """Marks what this account has ever seen and no account sees any more, and unmarks the forms that one sees."""
    found = connection.execute(_SEEN, {"account_id": account_id, "stream": stream, "forms": FORMS}).fetchall()
    connection.execute(_MARK[stream], [[thing_id for thing_id, is_seen in found if not is_seen]])
    if stream == FORMS:
        query = "UPDATE pyrus.forms SET lost_at = NULL WHERE form_id = ANY(%s) AND lost_at IS NOT NULL"
        connection.execute(query, [[thing_id for thing_id, is_seen in found if is_seen]])
