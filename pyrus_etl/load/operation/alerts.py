"""Alerts: the table sync_alerts, and the runs that they are about.

Every function works inside the caller's transaction.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pyrus_etl.load.operation.runs import KILLED
from pyrus_etl.postgres.connection import Connection

_KNOWN = """
    SELECT DISTINCT ON (login) login, account_id FROM pyrus.sync_runs
    WHERE account_id IS NOT NULL ORDER BY login, started_at DESC
"""
_ENDED = """
    WITH recent AS (
        SELECT runs.*, greatest(runs.started_at, alive_at, expires_at) < now() - interval '1 minute' AS is_quiet
        FROM pyrus.sync_runs AS runs LEFT JOIN pyrus.sync_leases USING (run_id)
        WHERE runs.started_at > now() - interval '30 days'
    ), ended AS (
        SELECT account_id, login, kind, run_id, coalesce(finished_at, alive_at, started_at) AS ended_at,
               CASE WHEN error_type = 'CensusDoubted' THEN 'doubted' WHEN status = 'running' THEN 'failed' ELSE status
               END AS outcome,
               CASE WHEN status = 'running' THEN %s ELSE error END AS error
        FROM recent WHERE status <> 'running' OR is_quiet
    )
    SELECT DISTINCT ON (account_id, login, kind, outcome) account_id, login, kind, run_id, ended_at, outcome, error
    FROM ended ORDER BY account_id, login, kind, outcome, ended_at DESC
"""
"""A run that shows no sign of life for a minute has been killed: no later run need have noticed it yet."""
_PAST = """
    SELECT DISTINCT ON (account_id, login, event) account_id, login, event, alert_id, run_id
    FROM pyrus.sync_alerts ORDER BY account_id, login, event, alert_id DESC
"""
_ADD = """
    INSERT INTO pyrus.sync_alerts (alert_id, event, at, account_id, login, run_id, kind, error)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (alert_id) DO NOTHING
"""
_CLAIM = """
    UPDATE pyrus.sync_alerts SET claimed_at = clock_timestamp(), attempts = attempts + 1
    WHERE alert_id = (
        SELECT alert_id FROM pyrus.sync_alerts WHERE sent_at IS NULL ORDER BY alert_id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) AND coalesce(claimed_at < clock_timestamp() - interval '1 minute', true)
    RETURNING alert_id, event, at, account_id, login, run_id, kind, error
"""


class Subject(NamedTuple):
    """Whose runs: an account, or a login that has never worked."""

    account_id: int | None
    login: str | None


class Ended(NamedTuple):
    """The last run of a subject and kind that ended so; `outcome`: ok, partial, doubted or failed."""

    subject: Subject
    kind: str
    run_id: UUID
    ended_at: datetime
    outcome: str
    error: str | None


class Past(NamedTuple):
    """The last alert of an event about a subject, and the run that showed it."""

    subject: Subject
    event: str
    alert_id: UUID
    run_id: UUID


class Alert(NamedTuple):
    """An event. `run_id`, `kind`: the run that shows it. `error`: a sentence; None for recovered."""

    alert_id: UUID
    event: str
    at: datetime
    account_id: int | None
    login: str | None
    run_id: UUID
    kind: str
    error: str | None


def one_at_a_time(connection: Connection) -> None:
    """Lets no other process note events until the transaction ends, so that each is noted once."""
    connection.execute("LOCK TABLE pyrus.sync_alerts IN SHARE ROW EXCLUSIVE MODE")


def known_accounts(connection: Connection) -> dict[str | None, int]:
    """The account that each login has last logged in as; None: an access token."""
    return dict(connection.execute(_KNOWN).fetchall())


def ended_runs(connection: Connection, known: Mapping[str | None, int]) -> list[Ended]:
    """The last run of each subject, kind and outcome, within a month; a killed one has failed."""
    found = [
        Ended(_subject(known, account_id, login), *rest)
        for account_id, login, *rest in connection.execute(_ENDED, [KILLED])
    ]
    last = {(run.subject, run.kind, run.outcome): run for run in sorted(found, key=lambda run: run.ended_at)}
    return list(last.values())


def past_alerts(connection: Connection, known: Mapping[str | None, int]) -> list[Past]:
    """The last alert of each subject and event."""
    found = [Past(_subject(known, account_id, login), *rest) for account_id, login, *rest in connection.execute(_PAST)]
    last = {(each.subject, each.event): each for each in sorted(found, key=lambda each: each.alert_id)}
    return list(last.values())


def _subject(known: Mapping[str | None, int], account_id: int | None, login: str | None) -> Subject:
    account = account_id or known.get(login)
    return Subject(account, None if account else login)


def add_alerts(connection: Connection, alerts: Iterable[Alert]) -> None:
    """Notes alerts; one that is noted already stays as it is."""
    for alert in alerts:
        connection.execute(_ADD, alert)


def claim(connection: Connection) -> Alert | None:
    """Takes the oldest alert that is not sent; None if there is none, or if another process is sending it.

    If that process has not finished within a minute, it was killed, and the alert is sent again.
    """
    found = connection.execute(_CLAIM).fetchone()
    return Alert(*found) if found else None


def note_sent(connection: Connection, alert: Alert) -> None:
    connection.execute("UPDATE pyrus.sync_alerts SET sent_at = now() WHERE alert_id = %s", [alert.alert_id])


def give_back(connection: Connection, alert: Alert) -> None:
    """Lets the next process send it at once."""
    connection.execute("UPDATE pyrus.sync_alerts SET claimed_at = NULL WHERE alert_id = %s", [alert.alert_id])
