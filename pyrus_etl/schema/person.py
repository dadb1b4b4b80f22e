"""Persons and organizations: shared between tasks, so they are merged and never deleted."""

from typing import NamedTuple

from sqlalchemy import Boolean, Column, Table, Text

from pyrus_etl.schema.metadata import bigint, key, metadata

organizations = Table(
    "organizations",
    metadata,
    key("organization_id", "Id of the organization in Pyrus."),
    Column("name", Text, comment="Name of the organization."),
    comment="Organizations in the account's contacts.",
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
    Column("email", Text, comment="E-mail address; null if Pyrus does not give one."),
    bigint("organization_id", "Id of the person's organization; null if the contacts do not name one."),
    Column(
        "can_send_notification", Boolean, comment="Whether the person may send messages; null if Pyrus does not say."
    ),
    comment="Every person seen in a task or in the contacts, as last served; a value that is no longer served stays.",
)


class PersonRow(NamedTuple):
    person_id: int
    first_name: str | None
    last_name: str | None
    email: str | None
    organization_id: int | None
    can_send_notification: bool | None
