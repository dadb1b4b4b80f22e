"""Fields that several accounts see: an account may see a part of a form, and the others' fields are not removed by it.

Every function works inside the caller's transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import Any

from pyrus_etl.load.sharing.readers import LIVE
from pyrus_etl.model.stream import FORMS
from pyrus_etl.postgres.connection import Connection

Fields = Mapping[int, Set[int]]
"""Form → the ids of the fields that an account sees in it."""
Key = tuple[Any, ...]
"""A key of a table that begins with form and field."""


def fields_of(rows: Iterable[Sequence[Any]]) -> dict[int, set[int]]:
    """The fields by form, of rows whose key begins with form and field."""
    found = defaultdict[int, set[int]](set)
    for row in rows:
        found[row[0]].add(row[1])
    return found


def fields_of_others(connection: Connection, account_id: int, form_ids: Collection[int]) -> dict[int, Fields]:
    """What each other account sees in these forms that sees them now; not those that completed no run for two days."""
    query = f"""
        SELECT account_id, thing_id, field_ids FROM pyrus.directory_sightings
        WHERE stream = %s AND account_id <> %s AND account_id IN {LIVE} AND thing_id = ANY(%s)
          AND gone_at IS NULL AND field_ids IS NOT NULL ORDER BY account_id
    """  # noqa: S608 -- a constant
    by_account = defaultdict[int, dict[int, set[int]]](dict)
    for other, form_id, field_ids in connection.execute(query, [FORMS, account_id, list(form_ids)]):
        by_account[other][form_id] = set(field_ids)
    return dict(by_account)


def note_fields(connection: Connection, account_id: int, mine: Fields) -> None:
    """Records which fields an account sees in forms that it sees whole."""
    query = """
        UPDATE pyrus.directory_sightings AS sighting SET field_ids = new.field_ids::bigint[]
        FROM unnest(%s::bigint[], %s::text[]) AS new (form_id, field_ids)
        WHERE account_id = %s AND stream = %s AND thing_id = form_id
          AND sighting.field_ids IS DISTINCT FROM new.field_ids::bigint[]
    """
    arrays = ["{" + ",".join(map(str, sorted(ids))) + "}" for ids in mine.values()]
    connection.execute(query, [list(mine), arrays, account_id, FORMS])


def own(account_id: int, rows: Sequence[Key], mine: Fields, others: Mapping[int, Fields]) -> list[Key]:
    """The rows that an account writes.

    Positions differ between accounts that see different parts of a form. So a field is written by the account that sees
    most of the form among those that see the field; by each of them if they see the same.
    """

    def is_left(row: Key, other: int, seen: Set[int]) -> bool:
        if row[1] not in seen or seen == mine[row[0]]:
            return False
        return (len(seen), -other) > (len(mine[row[0]]), -account_id)

    return [
        row for row in rows if not any(is_left(row, other, seen.get(row[0], set())) for other, seen in others.items())
    ]


def only_seen_by_others(connection: Connection, mine: Fields, others: Iterable[Fields]) -> tuple[list[Key], list[Key]]:
    """Keys of fields that only other accounts see, and of their choices."""
    fields = {
        (form_id, field_id) for seen in others for form_id, ids in seen.items() for field_id in ids - mine[form_id]
    }
    if not fields:
        return [], []
    query = """
        SELECT form_id, field_id, choice_id FROM pyrus.form_choices
        JOIN unnest(%s::bigint[], %s::bigint[]) AS seen (form_id, field_id) USING (form_id, field_id)
    """
    form_ids, field_ids = zip(*fields, strict=True)
    return list(fields), connection.execute(query, [list(form_ids), list(field_ids)]).fetchall()
