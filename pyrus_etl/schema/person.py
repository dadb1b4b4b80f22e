"""Persons, organizations and roles: shared between tasks. Persons and organizations are merged and never deleted."""

from typing import NamedTuple

from sqlalchemy import Boolean, Column, Index, Table, Text

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
    Column("person_type", Text, comment="user, bot or role: a role can be an approver or a subscriber as persons can."),
    Column("external_id", Text, comment="Id of the person in another system, which the organization has set."),
    bigint("department_id", "Id of the person's department."),
    Column("department_name", Text, comment="Name of the person's department."),
    Column("position", Text, comment="Position in the organization."),
    Column("phone", Text, comment="Telephone number."),
    Column("mobile_phone", Text, comment="Mobile telephone number."),
    Column("banned", Boolean, comment="Whether the person is blocked."),
    Column("fired", Boolean, comment="Whether the person has left the organization."),
    comment="Every person seen in a task or in the contacts, as last served; a value that is no longer served stays.",
)


class PersonRow(NamedTuple):
    person_id: int
    first_name: str | None
    last_name: str | None
    email: str | None
    organization_id: int | None
    can_send_notification: bool | None
    person_type: str | None = None
    external_id: str | None = None
    department_id: int | None = None
    department_name: str | None = None
    position: str | None = None
    phone: str | None = None
    mobile_phone: str | None = None
    banned: bool | None = None
    fired: bool | None = None


roles = Table(
    "roles",
    metadata,
    key("role_id", "Id of the role; persons has it too, with person_type role."),
    Column("name", Text, comment="Name of the role."),
    Column("banned", Boolean, comment="Whether the role is blocked."),
    Column("fired", Boolean, comment="Whether the role was deleted: Pyrus says so, or no longer lists it."),
    comment="Roles of the organization: groups of persons who approve, or get tasks, together.",
)


class RoleRow(NamedTuple):
    role_id: int
    name: str | None
    banned: bool | None
    fired: bool | None


role_members = Table(
    "role_members",
    metadata,
    key("role_id", "Id of the role."),
    key("person_id", "Id of a member."),
    Index(None, "person_id"),
    comment="Members of each role, as last served.",
)


class RoleMemberRow(NamedTuple):
    role_id: int
    person_id: int
