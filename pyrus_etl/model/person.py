"""Persons and the organizations they belong to."""

import msgspec

from pyrus_etl.model.values import Id


class Person(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A person as embedded in tasks, or in full in the contacts."""

    id: Id | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    can_send_notification: bool | None = None


class Organization(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """An organization and its persons."""

    id: Id | None = None
    name: str | None = None
    persons: list[Person | None] | None = None


class Contacts(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """Everybody the account knows."""

    organizations: list[Organization | None] | None = None


class Profile(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """The person whose rights the connector has; its id names the account."""

    id: Id
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
