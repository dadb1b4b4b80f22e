"""What tasks refer to, as API v4 serves it: forms, lists, catalogs, persons and roles.

Every property may be missing or null, and any element of an array may be null. Arrays without elements are left out,
with their keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from pyrus_etl.model import person, role

Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""An identifier; it fits PostgreSQL's bigint."""
Number = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""A small number; it fits PostgreSQL's integer."""


class Field(msgspec.Struct, frozen=True, gc=False):
    id: Id | None = None
    type: str | None = None
    name: str | None = None
    code: str | None = None
    parent_id: Id | None = None
    info: Info | None = None
    visibility_condition: Any = None
    default_value: Any = None


class Info(msgspec.Struct, frozen=True, gc=False):
    """What the definition of a form says about a field."""

    code: str | None = None
    form_id: Id | None = None
    catalog_id: Id | None = None
    multiple_choice: bool | None = None
    required_step: Number | None = None
    immutable_step: Number | None = None
    decimal_places: Number | None = None
    currency: str | int | None = None
    visibility_condition: Any = None
    default_value: Any = None
    fields: Sequence[Field | None] | None = None
    columns: Sequence[Field | None] | None = None
    options: Sequence[Option | None] | None = None


class Option(msgspec.Struct, frozen=True, gc=False):
    choice_id: Id | None = None
    choice_value: str | None = None
    deleted: bool | None = None
    fields: Sequence[Field | None] | None = None


class Form(msgspec.Struct, frozen=True, gc=False):
    """`folder`: names or objects with a name, from the root. `steps`: names by number."""

    id: Id | None = None
    name: str | None = None
    deleted_or_closed: bool | None = None
    folder: Sequence[Any] | None = None
    steps: Mapping[str, Any] | None = None
    fields: Sequence[Field | None] | None = None


class Forms(msgspec.Struct, frozen=True, gc=False):
    """The forms stay bytes, so that each can be read for itself."""

    forms: Sequence[msgspec.Raw] | None = None


class List(msgspec.Struct, frozen=True, gc=False):
    id: Id | None = None
    name: str | None = None
    parent_id: Id | None = None
    list_type: str | None = None
    version: Id | None = None
    deleted: bool | None = None
    children: Sequence[List | None] | None = None


class Lists(msgspec.Struct, frozen=True, gc=False):
    lists: Sequence[List | None] | None = None


class Header(msgspec.Struct, frozen=True, gc=False):
    name: str | None = None
    type: str | None = None


class Item(msgspec.Struct, frozen=True, gc=False):
    item_id: Id | None = None
    values: Sequence[Any] | None = None
    external_id: Id | None = None
    deleted: bool | None = None


class Catalog(msgspec.Struct, frozen=True, gc=False):
    catalog_id: Id | None = None
    name: str | None = None
    version: Id | None = None
    deleted: bool | None = None
    source_type: str | None = None
    external_version: Id | None = None
    catalog_headers: Sequence[Header | None] | None = None
    items: Sequence[Item | None] | None = None


class Catalogs(msgspec.Struct, frozen=True, gc=False):
    catalogs: Sequence[Catalog | None] | None = None


class Person(person.Person, frozen=True, gc=False, rename={"person_type": "type"}):
    id: Id | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    person_type: str | None = None
    external_id: str | None = None
    department_id: Id | None = None
    department_name: str | None = None
    position: str | None = None
    phone: str | None = None
    mobile_phone: str | None = None
    banned: bool | None = None
    fired: bool | None = None


class Role(role.Role, frozen=True, gc=False, kw_only=True):
    id: Id | None = None
    name: str | None = None
    external_id: str | None = None
    banned: bool | None = None
    fired: bool | None = None
    member_ids: Sequence[Id | None] | None = None


class Organization(person.Organization, frozen=True, gc=False, rename={"id": "organization_id"}):
    id: Id | None = None
    name: str | None = None
    persons: Sequence[Person | None] | None = None
    roles: Sequence[Role | None] | None = None


class Contacts(person.Contacts, frozen=True, gc=False):
    organizations: Sequence[Organization | None] | None = None


class Members(msgspec.Struct, frozen=True, gc=False):
    members: Sequence[Person | None] | None = None


class Roles(msgspec.Struct, frozen=True, gc=False):
    roles: Sequence[Role | None] | None = None
