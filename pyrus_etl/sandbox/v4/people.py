"""The persons of the organisation as API v4 shows them."""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.people import EVERYBODY, FINANCE, LAWYERS, LEADS, ORGANIZATIONS, Person

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


ROLES: tuple[Json, ...] = (
    {"id": 1_316_000, "name": "Finance", "member_ids": sorted({one.id for one in FINANCE})},
    {"id": 1_316_002, "name": "Legal", "member_ids": sorted({one.id for one in LAWYERS}), "external_id": "legal"},
    {"id": 1_316_010, "name": "Heads of department", "member_ids": [one.id for one in LEADS], "banned": False},
    {"id": 1_316_011, "name": "Former couriers", "banned": True, "fired": True},
)
BOT: Json = {"id": 900_002, "first_name": "Robot", "last_name": "", "email": "bot@5a9d0b0e", "type": "bot", "rights": 0}
FIRED: Json = {
    "id": 900_003,
    "first_name": "Noor",
    "last_name": "Visser",
    "email": "",
    "type": "user",
    "banned": True,
    "fired": True,
}


def contacts(*, with_inactive: bool) -> Json:
    """The answer to GET contacts. The bot and the roles are those of the first organization."""
    found = [
        {"organization_id": one.id, "name": one.name, "persons": [SHOWN[member.id] for member in one.persons]}
        for one in ORGANIZATIONS
    ]
    others = [BOT, FIRED] if with_inactive else [BOT]
    roles = [one | {"type": "role"} for one in ROLES if with_inactive or not one.get("fired")]
    found[0] |= {"persons": [SHOWN[one.id] for one in ORGANIZATIONS[0].persons] + others, "roles": roles}
    return {"organizations": found}


def members(*, with_fired: bool) -> Json:
    """The answer to GET members."""
    found = [SHOWN[one.id] for one in ORGANIZATIONS[0].persons]
    return {"members": [*found, BOT, FIRED] if with_fired else [*found, BOT]}


def member(person_id: int) -> Any:
    """One member, fired or not; None if there is none with this id."""
    others = {one["id"]: one for one in (BOT, FIRED)}
    return SHOWN.get(person_id) or others.get(person_id)


def roles(*, with_fired: bool) -> Json:
    """The answer to GET roles."""
    return {"roles": [one for one in ROLES if with_fired or not one.get("fired")]}


def role(role_id: int) -> Json | None:
    """One role; None if there is none with this id."""
    return next((one for one in ROLES if one["id"] == role_id), None)


def bots() -> Json:
    """The answer to GET bots."""
    return {"bots": [{"id": BOT["id"], "name": "Robot", "is_enabled": True, "fired": False, "login": BOT["email"]}]}


def orgchart() -> Json:
    """The answer to GET orgchart."""
    found = [
        {"id": 10_000_000_000 + one.id, "manager_id": one.persons[0].id, "department_name": DEPARTMENTS[one.id]}
        for one in ORGANIZATIONS
    ]
    return {"departments": found}


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
