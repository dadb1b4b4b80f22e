"""Persons."""

from pyrus_etl.fields.family import Family

FAMILY = Family(
    "person",
    ("Person", "Assignee", "Author", "ApprovalPerson"),
    aggregate="max(value_person_id) {only}",
    text="person.name",
    display="(SELECT name FROM pyrus_report.person_names WHERE person_id = {})",
    id="max(value_person_id) {only}",
)
