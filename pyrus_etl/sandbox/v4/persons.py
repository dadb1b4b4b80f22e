"""Persons as clients name them over API v4: `{"id": 5}`, `{"email": "…"}`, or a bare id."""

from __future__ import annotations

from typing import Any

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.by_id import EMAILS, PERSONS


def person_id(given: Any) -> int:
    """The id of the person; refused if there is none."""
    if isinstance(given, dict) and isinstance(given.get("id"), int):
        given = given["id"]
    if isinstance(given, int) and not isinstance(given, bool):
        if given not in PERSONS:
            raise Refused("invalid_person_id", about=f"There is no person {given}.")
        return given
    email = given.get("email") if isinstance(given, dict) else given
    if not email:
        raise Refused("person_identity_missing")
    found = EMAILS.get(str(email).lower())
    if found is None:
        raise Refused("invalid_email", about=f"There is no person {email}.")
    return found.id


def person_ids(given: list[Any] | None) -> tuple[int, ...]:
    return tuple(person_id(one) for one in given or ())


def steps(given: list[list[Any]] | None) -> tuple[tuple[int, ...], ...]:
    """Approvers by step; `{"person": {…}}` names one too, as tasks show it."""
    return tuple(tuple(person_id(unwrapped(one)) for one in step or ()) for step in given or ())


def unwrapped(given: Any) -> Any:
    return given["person"] if isinstance(given, dict) and "person" in given else given
