"""What `cluster …` does to organisations and accounts, and what it shows.

Every function works inside the caller's transaction of the cluster's database.
"""

from datetime import timedelta
from typing import Any, NamedTuple

from psycopg.rows import dict_row

from pyrus_etl.cluster.accounts import Name
from pyrus_etl.errors import SettingsError
from pyrus_etl.postgres.connection import Connection


class NewAccount(NamedTuple):
    """An account to add; what is secret is named by files."""

    org: str
    login: str
    api: str | None
    url: str
    client_id: str | None
    person_id: int | None
    secret_ref: str
    quota: str
    every: timedelta
    reconcile_every: timedelta
    attachments_to: str | None


_ADD = """
    INSERT INTO pyrus_cluster.accounts (org, login, api, url, client_id, person_id, secret_ref, quota, every,
        reconcile_every, attachments_to)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_ACCOUNTS = """
    SELECT org, login, account_id, api, url, every, quota, next_at, backfilled_at, files_at,
        claim IS NOT NULL AS is_at_work, claimed_by, claimed_at, last_kind, last_exit, last_error, last_ended_at,
        failures, deaths, paused_at, paused_because
    FROM pyrus_cluster.accounts ORDER BY org, login
"""
_ORGANISATIONS = """
    SELECT org, database_url_ref, paused_at, schema_revision, revision_seen_at
    FROM pyrus_cluster.organisations ORDER BY org
"""
_WORKERS = """
    SELECT name, version, schema_revision, accounts, started_at, seen_at,
        seen_at > clock_timestamp() - interval '8 seconds' AS is_alive
    FROM pyrus_cluster.workers ORDER BY name
"""


def add(connection: Connection, account: NewAccount, database_url_ref: str | None) -> None:
    """Adds an account, and its organisation if that is new. Raises SettingsError."""
    known = _database_of(connection, account.org)
    if known is None and database_url_ref is None:
        raise SettingsError(f"{account.org} is a new organisation; name its database with --database-url-file.")
    if known and database_url_ref not in (None, known):
        raise SettingsError(
            f"{account.org} has its database in {known}; leave out --database-url-file, or give another name to "
            "another organisation."
        )
    if known is None:
        connection.execute(
            "INSERT INTO pyrus_cluster.organisations (org, database_url_ref) VALUES (%s, %s)",
            [account.org, database_url_ref],
        )
    if connection.execute(_ADD, account).rowcount != 1:
        raise SettingsError(
            f"{account.login} of {account.org} was added already; run pyrus-etl cluster remove first to change it."
        )


def remove(connection: Connection, org: str, login: str | None) -> list[Name]:
    """Removes an organisation, or one of its accounts. Its database stays as it is."""
    removed = accounts_of(connection, org, login)
    connection.execute("DELETE FROM pyrus_cluster.accounts WHERE org = %s AND (login = %s) IS NOT FALSE", [org, login])
    connection.execute(
        "DELETE FROM pyrus_cluster.organisations WHERE org = %s "
        "AND NOT EXISTS (SELECT FROM pyrus_cluster.accounts WHERE org = %s)",
        [org, org],
    )
    return removed


def accounts_of(connection: Connection, org: str | None, login: str | None = None) -> list[Name]:
    """The accounts of an organisation; of all without one. Raises SettingsError if there is none."""
    found = connection.execute(
        "SELECT org, login FROM pyrus_cluster.accounts "
        "WHERE (org = %s) IS NOT FALSE AND (login = %s) IS NOT FALSE ORDER BY org, login",
        [org, login],
    ).fetchall()
    if not found and (org or login):
        who = f"{login} of {org}" if login else f"organisation {org}"
        raise SettingsError(f"There is no {who}; pyrus-etl cluster status lists those that were added.")
    return [Name(*each) for each in found]


def pause(connection: Connection, org: str | None) -> list[Name]:
    """Holds the accounts of an organisation: slices under way end, and no other begins."""
    connection.execute(
        "UPDATE pyrus_cluster.organisations SET paused_at = coalesce(paused_at, clock_timestamp()) "
        "WHERE (org = %s) IS NOT FALSE",
        [org],
    )
    return accounts_of(connection, org)


def resume(connection: Connection, org: str | None) -> list[Name]:
    """Ends the pauses of an organisation and of its accounts; they are due now."""
    connection.execute("UPDATE pyrus_cluster.organisations SET paused_at = NULL WHERE (org = %s) IS NOT FALSE", [org])
    connection.execute(
        "UPDATE pyrus_cluster.accounts SET paused_at = NULL, paused_because = NULL, failures = 0, deaths = 0 "
        "WHERE (org = %s) IS NOT FALSE",
        [org],
    )
    return run_now(connection, org)


def run_now(connection: Connection, org: str | None) -> list[Name]:
    """Makes the accounts due now, unless they are at work."""
    connection.execute(
        "UPDATE pyrus_cluster.accounts SET next_at = least(next_at, clock_timestamp()) "
        "WHERE (org = %s) IS NOT FALSE AND claim IS NULL",
        [org],
    )
    return accounts_of(connection, org)


def paused(connection: Connection, org: str | None) -> list[Name]:
    """The accounts that begin nothing, because they or their organisation are paused."""
    found = connection.execute(
        "SELECT org, login FROM pyrus_cluster.accounts JOIN pyrus_cluster.organisations USING (org) "
        "WHERE (org = %s) IS NOT FALSE AND (accounts.paused_at, organisations.paused_at) IS DISTINCT FROM (NULL, NULL) "
        "ORDER BY org, login",
        [org],
    )
    return [Name(*each) for each in found]


def postpone(connection: Connection, org: str | None) -> list[Name]:
    """Makes the accounts due in an interval of theirs, whatever is due now."""
    connection.execute(
        "UPDATE pyrus_cluster.accounts SET next_at = clock_timestamp() + every, files_at = NULL, hinted_at = NULL, "
        "claim = NULL WHERE (org = %s) IS NOT FALSE",
        [org],
    )
    return accounts_of(connection, org)


def _database_of(connection: Connection, org: str) -> str | None:
    found = connection.execute(
        "SELECT database_url_ref FROM pyrus_cluster.organisations WHERE org = %s FOR UPDATE", [org]
    ).fetchone()
    return str(found[0]) if found else None


def overview(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Everything that `cluster status` shows, except for the queue."""
    queries = {"organisations": _ORGANISATIONS, "accounts": _ACCOUNTS, "workers": _WORKERS}
    with connection.cursor(row_factory=dict_row) as cursor:
        return {name: cursor.execute(query).fetchall() for name, query in queries.items()}
