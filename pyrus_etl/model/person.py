"""Persons and the organizations they belong to."""

from collections.abc import Sequence

import msgspec


class Person(msgspec.Struct, frozen=True, gc=False):
    """A person: in a task perhaps the id and name alone, in the contacts in full."""

    id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    can_send_notification: bool | None = None


class Organization(msgspec.Struct, frozen=True, gc=False):
    """An organization and its persons."""

    id: int | None = None
    name: str | None = None
    persons: Sequence[Person | None] | None = None


class Contacts(msgspec.Struct, frozen=True, gc=False):
    """All persons that the account can see."""

    organizations: Sequence[Organization | None] | None = None


class Profile(msgspec.Struct, frozen=True, gc=False):
    """The person whose access rights the connector has; the id identifies the account."""

    id: int
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
