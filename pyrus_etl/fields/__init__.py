"""Types of form fields: one file for each family of them.

A family defines the kind of its values, how a wide view shows them, and how they become text. To add a type, write
its name into its family, or a new file here. How an API serves a kind of value is in that API's folder
(`extract/v3/fields.py`). A type that no family names belongs to `other`: its properties are kept as served.
"""

from pyrus_etl.fields import (
    catalog,
    choice,
    date,
    files,
    flag,
    link,
    number,
    other,
    person,
    project,
    table,
    text,
    title,
)
from pyrus_etl.fields.family import Family

FAMILIES: tuple[Family, ...] = (
    *text.FAMILIES,
    number.FAMILY,
    *date.FAMILIES,
    flag.FAMILY,
    person.FAMILY,
    project.FAMILY,
    catalog.FAMILY,
    choice.FAMILY,
    link.FAMILY,
    *files.FAMILIES,
    title.FAMILY,
    table.FAMILY,
    other.FAMILY,
)

_BY_TYPE = {name: family for family in FAMILIES for name in family.types}


def family_of(field_type: str | None) -> Family:
    """The family of a field type; `other` if no family names the type."""
    return _BY_TYPE.get(field_type or "", other.FAMILY)


def value_as_text() -> str:
    """The SQL expression that turns a value of any type into text, for the view `field_values`."""
    cases = [f"           {_case(family)}" for family in FAMILIES if family is not other.FAMILY]
    return "\n".join(["CASE", *cases, f"           ELSE {other.FAMILY.text}", "       END"])


def _case(family: Family) -> str:
    types = ", ".join(f"'{name}'" for name in family.types)
    return f"WHEN field_type IN ({types}) THEN {family.text}"
