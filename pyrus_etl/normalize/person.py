"""Persons, organizations and roles → rows."""

from collections.abc import Iterator, Mapping, Set

import msgspec

from pyrus_etl.given import UNSET
from pyrus_etl.model.person import Contacts, Organization, People, Person
from pyrus_etl.model.role import Role
from pyrus_etl.model.stream import ROLES
from pyrus_etl.schema.metadata import written_columns
from pyrus_etl.schema.person import (
    OrganizationRow,
    PersonRow,
    RoleMemberRow,
    RoleRow,
    organizations,
    persons,
    role_members,
    roles,
)
from pyrus_etl.schema.rows import Rows
from pyrus_etl.schema.snapshot import Part, Snapshot, whole_rows

ROLE = "role"
_OF_CONTACTS = ("organization_id", "can_send_notification")
"""What the list of members does not say about a person."""


def add_person(rows: Rows, person: Person | None, organization_id: int | None = None) -> int | None:
    """Merges a person and returns the id to refer to it by; None if there is no person, or it has no id.

    Pyrus serves an empty text for what it does not know of a person; only a name may be empty.
    """
    if person is None or person.id is None:
        return None
    if rows.is_new((persons, person.id), (person, organization_id)):
        row = PersonRow(
            person.id,
            person.first_name,
            person.last_name,
            person.email,
            organization_id,
            person.can_send_notification,
            person.person_type or None,
            person.external_id or None,
            person.department_id,
            person.department_name or None,
            person.position or None,
            person.phone or None,
            person.mobile_phone or None,
            person.banned,
            person.fired,
        )
        rows.merge(persons, row)
    return person.id


def contact_rows(contacts: Contacts) -> Rows:
    """Everybody in the contacts, with their organizations."""
    rows = Rows()
    for organization in _organizations(contacts):
        if organization.id is not None:
            rows.merge(organizations, OrganizationRow(organization.id, organization.name))
        for person in organization.persons or []:
            add_person(rows, person, organization.id)
        for role in organization.roles or []:
            add_person(rows, as_person(role) if role else None, organization.id)
    return rows


def as_person(role: Role) -> Person:
    """A role in the place of a person: tasks show its name as the last name."""
    return Person(
        id=role.id,
        first_name="",
        last_name=role.name,
        person_type=ROLE,
        external_id=role.external_id,
        banned=role.banned,
        fired=role.fired,
    )


def people_snapshot(people: People) -> Snapshot:
    """Everybody, and the roles. What the list of members says about a person replaces what is stored.

    Roles of other organizations are in the contacts only.
    """
    members = [] if people.members is UNSET else people.members
    rows, known = contact_rows(people.contacts), _roles(people)
    ids = [add_person(rows, _complete(member)) for member in members]
    for role in known.values():
        add_person(rows, as_person(role))
    return Snapshot(
        ROLES,
        ids=None if people.roles is UNSET else known.keys(),
        is_whole=people.is_whole,
        merged=rows,
        parts=(_member_part(rows, {person_id for person_id in ids if person_id is not None}), *_role_parts(known)),
        owners=known.keys() if people.is_whole else (),
    )


def _organizations(contacts: Contacts) -> Iterator[Organization]:
    return (each for each in contacts.organizations or [] if each is not None)


def _complete(member: Person) -> Person:
    """A person in the list of members, in which a missing flag is false."""
    return msgspec.structs.replace(member, banned=bool(member.banned), fired=bool(member.fired))


def _roles(people: People) -> dict[int, Role]:
    """The roles by id: those of the list of roles, then those that only the contacts have."""
    listed = [] if people.roles is UNSET else people.roles
    in_contacts = (role for organization in _organizations(people.contacts) for role in organization.roles or [])
    known: dict[int, Role] = {}
    for role in (*listed, *in_contacts):
        if role is not None and role.id is not None:
            known.setdefault(role.id, role)
    return known


def _member_part(rows: Rows, member_ids: Set[int]) -> Part:
    """Takes what the members replace out of the merged rows; what only contacts give stays in them."""
    columns = [name for name in written_columns(persons) if name not in _OF_CONTACTS]
    merged, replaced = rows.merged[persons], []
    for person_id in member_ids:
        given = dict(zip(written_columns(persons), merged[person_id], strict=True))
        replaced.append(tuple(given[name] for name in columns))
        merged[person_id] = tuple(
            value if name in ("person_id", *_OF_CONTACTS) else None for name, value in given.items()
        )
    return Part(persons, tuple(columns), replaced)


def _role_parts(known: Mapping[int, Role]) -> tuple[Part, Part]:
    members = {
        RoleMemberRow(id_, each): None
        for id_, role in known.items()
        for each in role.member_ids or ()
        if each is not None
    }
    return (
        whole_rows(
            roles,
            [RoleRow(id_, role.name, bool(role.banned), bool(role.fired)) for id_, role in known.items()],
        ),
        whole_rows(role_members, list(members)),
    )
