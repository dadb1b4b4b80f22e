"""Persons and organizations → rows."""

from pyrus_etl.model.person import Contacts, Person
from pyrus_etl.schema.person import OrganizationRow, PersonRow, organizations, persons
from pyrus_etl.schema.rows import Rows


def person(rows: Rows, met: Person | None, organization_id: int | None = None) -> int | None:
    """Merges a person met anywhere and returns the id to refer to it by."""
    if met is None or met.id is None:
        return None
    if rows.first_met((persons, met.id), (met, organization_id)):
        row = PersonRow(met.id, met.first_name, met.last_name, met.email, organization_id, met.can_send_notification)
        rows.merge(persons, row)
    return met.id


def contacts(told: Contacts) -> Rows:
    """Everybody in the contacts, with their organizations."""
    rows = Rows()
    for organization in told.organizations or []:
        if organization is None:
            continue
        if organization.id is not None:
            rows.merge(organizations, OrganizationRow(organization.id, organization.name))
        for member in organization.persons or []:
            person(rows, member, organization.id)
    return rows
