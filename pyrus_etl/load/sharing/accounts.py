"""The accounts of Pyrus that have used the database (pyrus.accounts).

Every function works inside the caller's transaction and is safe to repeat. File services, whose ids are negative, are
not in the table.
"""

from uuid import UUID

from pyrus_etl.postgres.connection import Connection


def note_account(
    connection: Connection,
    account_id: int,
    name: str | None,
    login: str | None,
    api: str | None,
    organization_id: int | None,
) -> None:
    """Records that an account has logged in. A name or organization that is not given stays."""
    if account_id <= 0:
        return
    connection.execute(
        """
        INSERT INTO pyrus.accounts AS known (account_id, name, login, api, organization_id) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (account_id) DO UPDATE
        SET name = coalesce(EXCLUDED.name, known.name), login = EXCLUDED.login, api = EXCLUDED.api,
            organization_id = coalesce(EXCLUDED.organization_id, known.organization_id)
        WHERE (coalesce(EXCLUDED.name, known.name), EXCLUDED.login, EXCLUDED.api,
                coalesce(EXCLUDED.organization_id, known.organization_id))
            IS DISTINCT FROM (known.name, known.login, known.api, known.organization_id)
        """,
        [account_id, name, login, api, organization_id],
    )


def note_exit(connection: Connection, run_id: UUID, exit_code: int) -> None:
    """Records how a run ended; the account of one that did not log in is known by its login."""
    connection.execute(
        """
        UPDATE pyrus.accounts AS account SET last_exit = %(code)s FROM pyrus.sync_runs AS run
        WHERE run_id = %(run_id)s AND last_exit IS DISTINCT FROM %(code)s AND (account.account_id = run.account_id
            OR run.account_id IS NULL AND account.login = run.login)
        """,
        {"code": exit_code, "run_id": run_id},
    )


def note_next(connection: Connection, login: str | None, seconds: float | None) -> None:
    """Records in how many seconds a process that stays runs an account; None: it does not any more."""
    query = """
        UPDATE pyrus.accounts SET next_at = clock_timestamp() + make_interval(secs => %(seconds)s::float8)
        WHERE login = %(login)s AND (next_at IS NOT NULL OR %(seconds)s::float8 IS NOT NULL)
    """
    connection.execute(query, {"login": login, "seconds": seconds})


def has_others(connection: Connection, account_id: int) -> bool:
    """Whether another account has used the database too."""
    query = "SELECT EXISTS (SELECT FROM pyrus.accounts WHERE account_id <> %s)"
    ((found,),) = connection.execute(query, [account_id]).fetchall()
    return bool(found)
