"""Persons and organizations: shared between tasks, so they are merged and never deleted."""

from typing import NamedTuple

from sqlalchemy import Boolean, Column, Table, Text

from pyrus_etl.schema.metadata import bigint, key, metadata

organizations = Table(
    "organizations",
    metadata,
    key("organization_id", "Id of the organization in Pyrus."),
    Column("name", Text, comment="Its name."),
    comment="Organizations of the account's contacts.",
)


class OrganizationRow(NamedTuple):
    organization_id: int
    name: str | None


persons = Table(
    "persons",
    metadata,
    key("person_id", "Id of the person in Pyrus."),
    Column("first_name", Text, comment="First name; may be empty."),
    Column("last_name", Text, comment="Last name."),
    Column("email", Text, comment="E-mail address, where Pyrus tells it."),
    bigint("organization_id", "Their organization, where they are in the contacts; see organizations."),
    Column("can_send_notification", Boolean, comment="Whether they may send messages, where Pyrus tells it."),
    comment="Everybody met in a task or in the contacts, as last told; what was not told again is kept.",
)


class PersonRow(NamedTuple):
    person_id: int
    first_name: str | None
    last_name: str | None
    email: str | None
    organization_id: int | None
    can_send_notification: bool | None
