"""Who may send a row of the outbox, if several accounts use the database: docs/write-back.md, in Python."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pyrus_etl.sandbox.organisation.forms import CONTRACT
from pyrus_etl.sandbox.organisation.people import ACCOUNT
from tests.simulation.two_accounts import BOB, CID, LOGINS

ANN = ACCOUNT.id
NAMES = {ANN: "ann", BOB: "bob", CID: "cid"}
NOBODY = "eve"
"""A name that no account has."""
SIGHTINGS = """
    SELECT 'comment', task_id, account_id, is_reader FROM pyrus.task_sightings
    UNION ALL SELECT 'form_task', thing_id, account_id, false FROM pyrus.directory_sightings
    WHERE stream = 'forms' AND gone_at IS NULL
"""


class Row(NamedTuple):
    """A row of the outbox. `text`: its text, or the value of its form; `account`: the account that it names."""

    outbox_id: Any
    action: str
    task_id: int | None
    text: str
    status: str
    account: str | None
    account_id: int | None
    is_due: bool

    @property
    def thing_id(self) -> int:
        """The task or the form that it is about."""
        return CONTRACT.id if self.action == "form_task" else self.task_id or 0

    @property
    def made(self) -> tuple[int | None, str, str]:
        """Who makes a new task, and what it is."""
        return self.account_id, self.action, self.text


ROWS = """
    SELECT outbox_id, action, task_id, coalesce(body ->> 'text', body #>> '{form_values,0,value}'), status,
           account, account_id, coalesce(not_before <= clock_timestamp(), true)
    FROM pyrus.outbox ORDER BY created_at, outbox_id
"""
Team = tuple[int, ...]
"""Accounts that push as one program, in the order of the config file."""
Sight = Mapping[tuple[str, int], Mapping[int, bool]]
"""What a row is about: a task, or a form → the accounts that are known to see it → whether they read it."""


def sight_of(rows: Sequence[Sequence[Any]]) -> Sight:
    """From the rows of SIGHTINGS."""
    found: dict[tuple[str, int], dict[int, bool]] = {}
    for action, thing_id, account_id, is_reader in rows:
        found.setdefault((action, thing_id), {})[account_id] = is_reader
    return found


def may_send(row: Row, team: Team, sight: Sight) -> set[int]:
    """The account that sends a row if a team pushes, in the order of the config file; nobody if others have to."""
    if row.account is not None:
        return {one for one in team if row.account.lower() in (NAMES[one], LOGINS[one].lower())}
    sees = sight.get((row.action, row.thing_id), {})
    if not sees:
        return {team[0]}
    ours = [one for one in team if one in sees]
    return set([one for one in ours if sees[one]] or ours[:1])


def senders(row: Row, teams: Collection[Team], sights: Collection[Sight]) -> set[int]:
    """Who may send a row if these teams push, at times when tasks are seen like this.

    The account that was sending a row goes on with it.
    """
    found = {one for team in teams for sight in sights for one in may_send(row, team, sight)}
    is_begun = row.status in ("sending", "unknown") and row.account_id is not None
    return found | ({row.account_id} if is_begun and row.account_id else set())
