"""What workers read and write of an account: when it is due, who has it, and how its last slice ended.

Every function works inside the caller's transaction of the cluster's database. All times are that database's.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from pyrus_etl.cluster.kinds import BACKFILL, FILES, HINTS, KINDS, SYNC
from pyrus_etl.cluster.outcomes import Outcome
from pyrus_etl.postgres.connection import Connection

LONGEST_SLICE = timedelta(minutes=10)
"""An account is due again after this time, whatever became of the slice and of the queue."""
LOOK_AGAIN = timedelta(minutes=1)
"""How often workers look at a database of another revision."""
MOST_DEATHS = 5
"""When this number of slices in a row die, the account is paused."""


class Name(NamedTuple):
    """An account: its organisation and its login."""

    org: str
    login: str

    def __str__(self) -> str:
        return f"{self.org}/{self.login}"


class Account(NamedTuple):
    """An account as a slice needs it. `claim`: the slice. `is_backfilled`: its first backfill is done.

    `has_several`: its organisation has other accounts too.
    """

    org: str
    login: str
    database_url_ref: str
    api: str | None
    url: str
    client_id: str | None
    person_id: int | None
    secret_ref: str
    quota: str
    reconcile_every: timedelta
    attachments_to: str | None
    is_backfilled: bool
    failures: int
    claim: UUID
    has_several: bool

    @property
    def name(self) -> Name:
        return Name(self.org, self.login)


class Due(NamedTuple):
    """A job that is due."""

    account: Name
    kind: str


_AT_WORK: LiteralString = """
    accounts.paused_at IS NULL AND organisations.paused_at IS NULL
"""
_OURS: LiteralString = """
    coalesce(organisations.schema_revision = %(revision)s
             OR organisations.revision_seen_at < clock_timestamp() - %(look_again)s, true)
"""
_DUE = f"""
    SELECT org, login, kind
    FROM pyrus_cluster.accounts JOIN pyrus_cluster.organisations USING (org)
    CROSS JOIN LATERAL (VALUES
        ('{HINTS}', CASE WHEN next_at > clock_timestamp() - %(longest)s THEN hinted_at END),
        (CASE WHEN backfilled_at IS NULL THEN '{BACKFILL}' ELSE '{SYNC}' END, next_at),
        ('{FILES}', files_at)
    ) AS job (kind, due_at)
    WHERE due_at <= clock_timestamp() AND kind = ANY (%(kinds)s) AND {_AT_WORK} AND {_OURS}
    ORDER BY due_at
"""  # noqa: S608 -- constants
_PLAN = """
    INSERT INTO pyrus_cluster.planners AS planner VALUES (%(revision)s, clock_timestamp())
    ON CONFLICT (schema_revision) DO UPDATE SET planned_at = EXCLUDED.planned_at
    WHERE planner.planned_at < clock_timestamp() - %(every)s
    RETURNING planned_at
"""
_CLAIM: LiteralString = f"""
    UPDATE pyrus_cluster.accounts SET claim = %(claim)s, claimed_by = %(worker)s, claimed_at = clock_timestamp(),
        next_at = CASE WHEN %(column)s = 'next_at' THEN clock_timestamp() + %(longest)s ELSE next_at END,
        files_at = CASE WHEN %(column)s = 'files_at' THEN clock_timestamp() + %(longest)s ELSE files_at END,
        hinted_at = NULL
    FROM pyrus_cluster.organisations
    WHERE organisations.org = accounts.org AND accounts.org = %(org)s AND login = %(login)s AND {_AT_WORK}
        AND CASE %(column)s WHEN 'next_at' THEN next_at WHEN 'files_at' THEN files_at ELSE hinted_at END
            <= clock_timestamp()
    RETURNING accounts.org, login, database_url_ref, api, url, client_id, person_id, secret_ref, quota,
        reconcile_every, attachments_to, backfilled_at IS NOT NULL AS is_backfilled, failures, claim,
        EXISTS (
            SELECT FROM pyrus_cluster.accounts AS other WHERE other.org = accounts.org AND other.login <> accounts.login
        ) AS has_several
"""  # noqa: S608 -- constants
_ENDED = """
    UPDATE pyrus_cluster.accounts SET
        claim = NULL, last_kind = %(kind)s, last_exit = %(exit_code)s, last_error = %(error)s,
        last_ended_at = clock_timestamp(), deaths = CASE WHEN %(died)s THEN deaths + 1 ELSE 0 END,
        failures = CASE WHEN %(failed)s THEN failures + 1 ELSE 0 END,
        next_at = CASE WHEN %(column)s <> 'next_at' THEN next_at
                       WHEN %(after)s::float8 IS NULL THEN greatest(claimed_at + every, clock_timestamp())
                       ELSE clock_timestamp() + make_interval(secs => %(after)s) END,
        files_at = CASE WHEN %(column)s <> 'files_at' THEN files_at
                        ELSE clock_timestamp() + make_interval(secs => %(after)s) END,
        hinted_at = CASE WHEN %(column)s <> 'hinted_at' THEN hinted_at
                         ELSE coalesce(hinted_at, clock_timestamp() + make_interval(secs => %(after)s)) END,
        backfilled_at = CASE WHEN %(complete)s THEN coalesce(backfilled_at, clock_timestamp()) ELSE backfilled_at END,
        paused_at = CASE WHEN %(paused_because)s::text IS NOT NULL OR %(died)s AND deaths + 1 >= %(most)s
                         THEN clock_timestamp() END,
        paused_because = coalesce(
            %(paused_because)s, CASE WHEN %(died)s AND deaths + 1 >= %(most)s THEN %(because)s END)
    WHERE org = %(org)s AND login = %(login)s AND claim = %(claim)s
    RETURNING org
"""
_DIED = """
    UPDATE pyrus_cluster.accounts SET
        claim = NULL, deaths = deaths + 1, next_at = least(next_at, clock_timestamp()),
        files_at = CASE WHEN files_at IS NOT NULL THEN least(files_at, clock_timestamp()) END,
        last_exit = NULL, last_error = 'Worker ' || claimed_by || ' died, or lost the queue.',
        last_ended_at = clock_timestamp(),
        paused_at = CASE WHEN deaths + 1 >= %(most)s THEN clock_timestamp() END,
        paused_because = CASE WHEN deaths + 1 >= %(most)s THEN %(because)s END
    WHERE org = %(org)s AND login = %(login)s AND paused_at IS NULL AND claim IS NOT NULL
    RETURNING paused_because
"""
_COLUMN = {HINTS: "hinted_at", FILES: "files_at"}
"""Kind → the column that says when it is due."""
DEATHS = (
    f"{MOST_DEATHS} slices in a row have died; look at the log of its workers, perhaps for a lack of memory, then run "
    "pyrus-etl cluster resume."
)


def _column(kind: str) -> str:
    return _COLUMN.get(kind, "next_at")


def is_planners_turn(connection: Connection, revision: str, every: timedelta) -> bool:
    """Whether nobody has planned for databases of this revision for so long; if so, the caller does it now."""
    return connection.execute(_PLAN, {"revision": revision, "every": every}).fetchone() is not None


def due(connection: Connection, revision: str, kinds: Sequence[str] = KINDS) -> list[Due]:
    """The jobs that are due, the longest first, of organisations whose database is of this revision.

    Those of another revision are due once a minute, because their database may have been upgraded. Hints go before
    everything else, but not for ever: a sync that has been due for `LONGEST_SLICE` takes them along.
    """
    parameters = {"revision": revision, "look_again": LOOK_AGAIN, "longest": LONGEST_SLICE, "kinds": list(kinds)}
    found = connection.execute(_DUE.encode(), parameters)
    return [Due(Name(org, login), kind) for org, login, kind in found]


def claim(connection: Connection, account: Name, kind: str, worker: str, claimed: UUID) -> Account | None:
    """Takes a slice of work; None if it is not due any more, or paused."""
    with connection.cursor(row_factory=class_row(Account)) as cursor:
        parameters = {**account._asdict(), "column": _column(kind), "worker": worker, "claim": claimed}
        return cursor.execute(_CLAIM, {**parameters, "longest": LONGEST_SLICE}).fetchone()


def ended(connection: Connection, account: Account, kind: str, outcome: Outcome) -> bool:
    """Notes how a slice ended, and when the next one is due; not if another worker has taken the account meanwhile."""
    parameters = {**account.name._asdict(), "claim": account.claim, "kind": kind, "column": _column(kind)}
    parameters |= {"most": MOST_DEATHS, "because": DEATHS}
    return connection.execute(_ENDED, {**parameters, **outcome._asdict()}).fetchone() is not None


def note_files(connection: Connection, account: Account) -> None:
    """Contents of attachments wait to be fetched."""
    connection.execute(
        "UPDATE pyrus_cluster.accounts SET files_at = coalesce(files_at, clock_timestamp()) "
        "WHERE org = %s AND login = %s",
        account.name,
    )


def note_hints(connection: Connection, login: str) -> None:
    """Webhooks have named tasks of a login; of each organisation that has it."""
    connection.execute(
        "UPDATE pyrus_cluster.accounts SET hinted_at = coalesce(hinted_at, clock_timestamp()) WHERE login = %s", [login]
    )


def died(connection: Connection, account: Name) -> str | None:
    """Notes that the slice of an account died. Returns why the account is paused, if that was one too many."""
    found = connection.execute(_DIED, {**account._asdict(), "most": MOST_DEATHS, "because": DEATHS}).fetchone()
    return found[0] if found else None


def note_database(connection: Connection, org: str, revision: str | None, login: str, account_id: int | None) -> None:
    """Notes what a worker saw of an organisation's database."""
    connection.execute(
        "UPDATE pyrus_cluster.organisations SET schema_revision = %s, revision_seen_at = clock_timestamp() "
        "WHERE org = %s",
        [revision, org],
    )
    connection.execute(
        "UPDATE pyrus_cluster.accounts SET account_id = %s "
        "WHERE org = %s AND login = %s AND account_id IS DISTINCT FROM %s",
        [account_id, org, login, account_id],
    )


def released(connection: Connection, account: Account, kind: str) -> None:
    """Gives a slice back as if it had not been taken: workers of another version do it."""
    connection.execute(
        "UPDATE pyrus_cluster.accounts SET claim = NULL, "
        "next_at = CASE WHEN %(column)s = 'next_at' THEN clock_timestamp() ELSE next_at END, "
        "files_at = CASE WHEN %(column)s = 'files_at' THEN clock_timestamp() ELSE files_at END, "
        "hinted_at = CASE WHEN %(column)s = 'hinted_at' THEN clock_timestamp() ELSE hinted_at END "
        "WHERE org = %(org)s AND login = %(login)s AND claim = %(claim)s",
        {**account.name._asdict(), "column": _column(kind), "claim": account.claim},
    )
