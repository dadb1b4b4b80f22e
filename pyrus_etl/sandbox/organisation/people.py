"""The persons of three organizations, and the groups that tasks draw them from."""

from __future__ import annotations

from typing import Any

import msgspec

ROSTER = {
    (10, "Northlight Manufacturing"): (
        "Maria Lindqvist",
        "Tomasz Wójcik",
        "Aiko Tanaka",
        "Gerhard Brandt",
        "Fatima El-Sayed",
        "Liam O'Connor",
        "Anna Sokolova",
        "Ravi Krishnan",
        "Chloé Martin",
        "Joseph Okafor",
        "Ingrid Haugen",
        "Дмитрий Орлов",
        "Sofía Ramírez",
        "Wei Zhang",
        "Nadia Petrova",
        "Samuel Adeyemi",
        "Elif Yılmaz",
        "Peter Novák",
        "Grace Kimani",
        "Hugo Lefèvre",
        "Olga Iwanowa",
        "Mateus Carvalho",
    ),
    (11, "Northlight Services"): (
        "Priya Nair",
        "Daniel Cohen",
        "Yuki Mori",
        "Zanele Dube",
        "Lars Jensen",
        "Carmen Ortega",
        "Ахмед Каримов",
        "Emily Clarke",
        "Bao Nguyen",
        "Katarzyna Zielińska",
        "Omar Haddad",
        "Freya Larsen",
    ),
    (12, "Harbour & Sons, suppliers"): (
        "Edward Harbour",
        "Leila Rahimi",
        "Marco Bianchi",
        "Svetlana Kuznetsova",
        "Thabo Mokoena",
        "Hannah Weiss",
    ),
}
DOMAINS = {10: "northlight.example", 11: "services.northlight.example", 12: "harbour.example"}
FIRST_ID = {10: 300_001, 11: 412_007, 12: 3_100_000_003}


class Person(msgspec.Struct, frozen=True):
    """One person; `full` and `brief` are their JSON, with and without the e-mail address."""

    id: int
    first_name: str
    last_name: str
    email: str | None
    full: msgspec.Raw
    brief: msgspec.Raw


class Organization(msgspec.Struct, frozen=True):
    id: int
    name: str
    persons: tuple[Person, ...]


def person(number: int, first_name: str, last_name: str, email: str | None) -> Person:
    brief = {"Id": number, "FirstName": first_name, "LastName": last_name}
    if not first_name:
        del brief["FirstName"]
    full = brief | {"Email": email} if email else brief
    encode = msgspec.json.encode
    return Person(number, first_name, last_name, email, msgspec.Raw(encode(full)), msgspec.Raw(encode(brief)))


def address(first_name: str, last_name: str, domain: str) -> str | None:
    """A work address; None if the name is not ASCII, as some persons have none in real data."""
    local = f"{first_name}.{last_name}".lower().replace("'", "").replace("-", "")
    return f"{local}@{domain}" if local.isascii() else None


def organizations() -> tuple[Organization, ...]:
    found = []
    for (number, name), names in ROSTER.items():
        members = []
        for place, full_name in enumerate(names):
            first, last = full_name.split(" ", 1)
            mail = address(first, last, DOMAINS[number])
            members.append(person(FIRST_ID[number] + 7 * place, first, last, mail))
        found.append(Organization(number, name, tuple(members)))
    service = person(1730, "", "Mailroom", "mailroom@northlight.example")
    return (msgspec.structs.replace(found[0], persons=(*found[0].persons, service)), *found[1:])


ORGANIZATIONS = organizations()
EVERYBODY = tuple(one for organization in ORGANIZATIONS for one in organization.persons)
ACCOUNT = EVERYBODY[0]
BUSY = EVERYBODY[3]
STAFF = ORGANIZATIONS[0].persons[:22]
LEADS = STAFF[4:10]
FINANCE = (BUSY, BUSY, BUSY, STAFF[1], STAFF[2])
LAWYERS = (STAFF[10], STAFF[13], BUSY)
AGENTS = ORGANIZATIONS[1].persons
SUPPLIERS = ORGANIZATIONS[2].persons


def contacts() -> dict[str, Any]:
    """The answer to GetContacts."""
    return {
        "Organizations": [
            {"Id": one.id, "Name": one.name, "Persons": [member.full for member in one.persons]}
            for one in ORGANIZATIONS
        ]
    }


def profile(person_id: int) -> dict[str, Any]:
    """The answer to GetProfile: the person who owns the token."""
    owner = next(one for one in EVERYBODY if one.id == person_id)
    capabilities = {"CanMakeBackup": False, "CanSendLogs": False, "CanSyncCatalogs": False}
    identity = {"Id": owner.id, "FirstName": owner.first_name, "LastName": owner.last_name}
    return {"Profile": identity | {"Email": owner.email, "Locale": "en-GB"} | capabilities}
