"""Which account sends a row of the outbox, if several accounts use the database.

The account that the row names. Without a name: a comment is sent by the account that reads the task, or else by another
one that sees it; a new task of a form by the first account that sees the form; any other new task by the first one.
"""

from collections.abc import Sequence
from typing import Any, LiteralString, NamedTuple

from pyrus_etl.load.sharing.readers import LIVE
from pyrus_etl.postgres.connection import Connection


class Member(NamedTuple):
    """An account that pushes: its name in the config file and its login, as far as it has them."""

    name: str | None
    login: str | None


class Team(NamedTuple):
    """The accounts that push together, in the order of the config file, as one of them knows them.

    `account_id`: its own. `account_ids`: 0 stands for an account that has never logged in. `names`: by which a row may
    name them.
    """

    account_id: int
    account_ids: tuple[int, ...]
    names: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """For queries with the texts below."""
        return {"account_id": self.account_id, "team": list(self.account_ids), "names": list(self.names)}


def _named(row: LiteralString) -> LiteralString:
    return f"""(
        SELECT account_id FROM pyrus.accounts WHERE lower({row}.account) IN (lower(name), lower(login))
        ORDER BY account_id = ANY(%(team)s) DESC, account_id IN {LIVE} DESC, account_id LIMIT 1
    )"""  # noqa: S608 -- constants


def unknown_name(row: LiteralString) -> LiteralString:
    """The name that a row has for its account, if no account has it; else null."""
    return f"""
        CASE WHEN {row}.account IS NOT NULL AND lower({row}.account) <> ALL(%(names)s) AND {_named(row)} IS NULL
        THEN {row}.account END
    """


def sender(row: LiteralString) -> LiteralString:
    """The account that sends a row: of the team, or another one that uses the database; null: nobody knows it yet.

    What another account that uses the database alone sees is left to it: Pyrus would refuse the team. The first of the
    team gets a row that names an unknown account, to say so.
    """
    return f"""
        CASE WHEN lower({row}.account) = ANY(%(names)s) THEN {_named(row)}
        WHEN {row}.account IS NOT NULL THEN coalesce({_named(row)}, (%(team)s::bigint[])[1])
        ELSE coalesce((
            SELECT sees.account_id FROM (
                SELECT account_id, is_reader FROM pyrus.task_sightings
                WHERE {row}.action = 'comment' AND task_id = {row}.task_id
                UNION ALL
                SELECT account_id, false FROM pyrus.directory_sightings
                WHERE {row}.action = 'form_task' AND stream = 'forms' AND gone_at IS NULL AND thing_id =
                    CASE WHEN {row}.body ->> 'form_id' ~ '^[0-9]{{1,18}}$' THEN ({row}.body ->> 'form_id')::bigint END
            ) AS sees
            WHERE sees.account_id = ANY(%(team)s) OR sees.account_id IN {LIVE}
            ORDER BY sees.account_id = ANY(%(team)s) DESC, is_reader DESC,
                array_position(%(team)s::bigint[], sees.account_id), sees.account_id
            LIMIT 1
        ), (%(team)s::bigint[])[1]) END
    """  # noqa: S608 -- constants


def is_mine(row: LiteralString) -> LiteralString:
    """Whether the account itself sends a row. One that does not know its own id may look at all of them."""
    return f"(%(account_id)s = 0 OR %(account_id)s = {sender(row)})"


def team_of(connection: Connection, members: Sequence[Member], account_id: int, login: str | None) -> Team:
    """The team as one of its accounts knows it; the only one if there are no members.

    `account_id`: 0 if it is not logged in; then its login says who it is.
    """
    ids = {login: each for each, login in connection.execute("SELECT account_id, login FROM pyrus.accounts")}
    own = account_id or ids.get(login, 0) or (next(iter(ids.values())) if len(ids) == 1 else 0)
    names = tuple(name.lower() for member in members for name in member if name)
    others = tuple(own if each.login == login else ids.get(each.login, 0) for each in members)
    return Team(own, others or (own,), names or ((login.lower(),) if login else ()))
