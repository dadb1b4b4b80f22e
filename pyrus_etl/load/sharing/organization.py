"""Which organization a database holds: that of the accounts that have used it (pyrus.accounts).

Its profile names the organization of an account. If it did not, as with API v3, the contacts may have named it
(pyrus.persons). Every function works inside the caller's transaction.
"""

from collections.abc import Set

from pyrus_etl.errors import SettingsError
from pyrus_etl.postgres.connection import Connection


def refuse_another(connection: Connection, account_id: int, organization_id: int | None) -> None:
    """Raises SettingsError if the database holds another organization than this one of the account."""
    if account_id <= 0 or organization_id is None:
        return
    held = held_by(connection, account_id)
    if held and organization_id not in held:
        raise another(account_id, organization_id, held)


def admit(connection: Connection, account_id: int, organization_id: int | None) -> None:
    """Does the same before the account is noted. One of two first accounts waits until the other has committed."""
    if organization_id is not None and not held_by(connection, account_id):
        connection.execute("LOCK TABLE pyrus.accounts IN SHARE ROW EXCLUSIVE MODE")
    refuse_another(connection, account_id, organization_id)


def another(account_id: int, organization_id: int, held: Set[int]) -> SettingsError:
    """The refusal of an account."""
    return SettingsError(
        f"Account {account_id} belongs to organisation {organization_id}, and the database holds organisation "
        f"{min(held)}, so nothing was read; set DATABASE_URL to another database for this account."
    )


def held_by(connection: Connection, account_id: int) -> Set[int]:
    """The organizations of the accounts that have used the database; empty if none but this account's own is known.

    One is right. An older database may have more; each of its accounts goes on.
    """
    query = """
        SELECT account.account_id = %s, account.organization_id, person.organization_id
        FROM pyrus.accounts AS account LEFT JOIN pyrus.persons AS person ON person_id = account.account_id
        WHERE account.account_id > 0
    """
    known = connection.execute(query, [account_id]).fetchall()
    proof = {noted or listed for is_own, noted, listed in known if noted or (listed and not is_own)}
    return proof | {listed for is_own, _, listed in known if is_own and listed} if proof else proof


def is_new(connection: Connection, account_id: int) -> bool:
    """Whether the account has not used the database yet."""
    query = "SELECT NOT EXISTS (SELECT FROM pyrus.accounts WHERE account_id = %s)"
    ((found,),) = connection.execute(query, [account_id]).fetchall()
    return bool(found)
