"""The persons of the organisation as API v4 shows them."""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.people import EVERYBODY, ORGANIZATIONS, Person

Json = dict[str, Any]

DEPARTMENTS = {10: "Manufacturing", 11: "Services", 12: "Suppliers"}
POSITIONS = ("Engineer", "Buyer", "Accountant", "Dispatcher", "")
RIGHTS = 2  # "can see all tasks"


def profile_of(person: Person) -> Json:
    """All that API v4 says about a person."""
    organization = next(one for one in ORGANIZATIONS if person in one.persons)
    written: Json = {"id": person.id, "first_name": person.first_name, "last_name": person.last_name}
    if person.email:
        written["email"] = person.email
    written["type"] = "user"
    written["external_id"] = "" if person.id % 3 else f"hr-{person.id}"
    written["department_id"] = 10_000_000_000 + organization.id
    written["department_name"] = DEPARTMENTS[organization.id]
    written["banned"] = False
    written["position"] = POSITIONS[person.id % len(POSITIONS)]
    if person.id % 2:
        written["phone"] = f"+47{person.id}"
    written["rights"] = RIGHTS
    return written


SHOWN = {person.id: msgspec.Raw(msgspec.json.encode(profile_of(person))) for person in EVERYBODY}
OF_RAW = {id(raw): SHOWN[person.id] for person in EVERYBODY for raw in (person.full, person.brief)}
NAMES = {"Id": "id", "FirstName": "first_name", "LastName": "last_name", "Email": "email"}


def person(shown: Any) -> Any:
    """A person of API v3 (one of the organisation's, or an object that a test wrote) as API v4 shows them."""
    if isinstance(shown, msgspec.Raw):
        return OF_RAW[id(shown)]
    return {NAMES[key]: value for key, value in shown.items() if key in NAMES} | {"type": "user"}


def contacts() -> Json:
    """The answer to GET contacts."""
    return {
        "organizations": [
            {
                "organization_id": one.id,
                "name": one.name,
                "persons": [SHOWN[member.id] for member in one.persons],
            }
            for one in ORGANIZATIONS
        ]
    }


def profile(person_id: int) -> Json:
    """The answer to GET profile: the person who owns the token, and their organization."""
    organization = next(one for one in ORGANIZATIONS if any(member.id == person_id for member in one.persons))
    owner = next(one for one in organization.persons if one.id == person_id)
    return {
        "person_id": owner.id,
        "first_name": owner.first_name,
        "last_name": owner.last_name,
        "email": owner.email or "",
        "locale": "en-GB",
        "timezone_offset": 60,
        "organization_id": organization.id,
        "organization": {
            "organization_id": organization.id,
            "name": organization.name,
            "persons": [SHOWN[member.id] for member in organization.persons],
        },
    }
