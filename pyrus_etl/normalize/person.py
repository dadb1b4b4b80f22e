"""Persons and organizations → rows."""

from pyrus_etl.model.person import Contacts, Person
from pyrus_etl.schema.person import OrganizationRow, PersonRow, organizations, persons
from pyrus_etl.schema.rows import Rows


def add_person(rows: Rows, person: Person | None, organization_id: int | None = None) -> int | None:
    """Merges a person and returns the id to refer to it by; None if there is no person, or it has no id."""
    if person is None or person.id is None:
        return None
    if rows.is_new((persons, person.id), (person, organization_id)):
        row = PersonRow(
            person_id=person.id,
            first_name=person.first_name,
            last_name=person.last_name,
            email=person.email,
            organization_id=organization_id,
            can_send_notification=person.can_send_notification,
        )
        rows.merge(persons, row)
    return person.id


def contact_rows(contacts: Contacts) -> Rows:
    """Everybody in the contacts, with their organizations."""
    rows = Rows()
    for organization in contacts.organizations or []:
        if organization is None:
            continue
        if organization.id is not None:
            rows.merge(organizations, OrganizationRow(organization.id, organization.name))
        for person in organization.persons or []:
            add_person(rows, person, organization.id)
    return rows
