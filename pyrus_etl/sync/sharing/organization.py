"""A database holds one organisation: the account of another one is refused before anything is read or written.

Ids of tasks are known to differ within an organisation only, and a census of one says nothing about another.
"""

from collections.abc import AsyncIterator, Set

from pyrus_etl.extract.pages import Whole
from pyrus_etl.extract.source import Source
from pyrus_etl.load.sharing import organization
from pyrus_etl.model.person import Organization, Profile
from pyrus_etl.model.stream import PEOPLE
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.store import Store


async def refuse_another(source: Source, store: Store, account: Profile) -> None:
    """Raises SettingsError if the account is surely of another organisation than those that used the database.

    If its profile does not name the organisation and the account is new here, the contacts decide. They list the people
    whom the account knows, by organisation, but do not say which organisation is its own. So it is refused only if an
    organisation lists the account, and the organisation of the database is not in the contacts at all.
    """
    if account.organization_id is not None:
        await store.query(organization.refuse_another, account.id, account.organization_id)
    elif held := await store.query(_held_before, account.id):
        known = [one async for one in _organizations(source)]
        own = next((one.id for one in known if one.id and _lists(one, account.id)), None)
        if own is not None and held.isdisjoint({one.id for one in known}):
            raise organization.another(account.id, own, held)


def _held_before(connection: Connection, account_id: int) -> Set[int]:
    """The organisations that the database holds, if this account has not used it yet."""
    if account_id <= 0 or not organization.is_new(connection, account_id):
        return frozenset()
    return organization.held_by(connection, account_id)


async def _organizations(source: Source) -> AsyncIterator[Organization]:
    async for page in source.pages(PEOPLE, Whole()):
        for people in page.items:
            for one in people.contacts.organizations or ():
                if one is not None:
                    yield one


def _lists(one: Organization, person_id: int) -> bool:
    return any(person is not None and person.id == person_id for person in one.persons or ())
