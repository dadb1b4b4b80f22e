"""Persons and the organizations they belong to."""

from collections.abc import Sequence

import msgspec

from pyrus_etl.given import UNSET, UnsetType
from pyrus_etl.model.role import Role


class Person(msgspec.Struct, frozen=True, gc=False):
    """A person: in a task perhaps the id and name alone, in the contacts in full. A role may stand for a person.

    `person_type`: user, bot or role. `banned`, `fired`: no longer at work.
    """

    id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    can_send_notification: bool | None = None
    person_type: str | None = None
    external_id: str | None = None
    department_id: int | None = None
    department_name: str | None = None
    position: str | None = None
    phone: str | None = None
    mobile_phone: str | None = None
    banned: bool | None = None
    fired: bool | None = None


class Organization(msgspec.Struct, frozen=True, gc=False):
    """An organization, and its persons and roles."""

    id: int | None = None
    name: str | None = None
    persons: Sequence[Person | None] | None = None
    roles: Sequence[Role | None] | None = None


class Contacts(msgspec.Struct, frozen=True, gc=False):
    """All persons that the account can see."""

    organizations: Sequence[Organization | None] | None = None


class People(msgspec.Struct, frozen=True, gc=False):
    """Everybody that the account can see. UNSET: this account may not see the members or roles, or its API has none.

    `members`: the persons of the account's own organization in full, also those that left. `is_whole`: every value of
    the roles could be read.
    """

    contacts: Contacts
    members: Sequence[Person] | UnsetType = UNSET
    roles: Sequence[Role] | UnsetType = UNSET
    is_whole: bool = True


class Profile(msgspec.Struct, frozen=True, gc=False):
    """The person whose access rights the connector has; the id identifies the account.

    `organization_id`: of their own organization; None if the answer does not name it, as with API v3.
    """

    id: int
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    organization_id: int | None = None
