"""Persons, projects and forms by id: what a write may name."""

from __future__ import annotations

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.people import EVERYBODY
from pyrus_etl.sandbox.organisation.projects import Project
from pyrus_etl.sandbox.v4.tree import FORMS, LISTS

PERSONS = {person.id: person for person in EVERYBODY}
EMAILS = {person.email.lower(): person for person in EVERYBODY if person.email}
PROJECTS: dict[int, Project] = {project_id: one for project_id, one in LISTS.items() if project_id not in FORMS}
"""The lists that a task can be filed in; its form is none of them."""


def person(person_id: int) -> int:
    """The id of a person who exists; refused if there is none."""
    if person_id not in PERSONS:
        raise Refused("BehavioralPersonAccessViolation", properties={"PersonId": person_id})
    return person_id


def project(project_id: int) -> int:
    """The id of a project that exists; refused if there is none."""
    if project_id not in PROJECTS:
        raise Refused("BehavioralProjectAccessViolation", properties={"ProjectId": project_id})
    return project_id
