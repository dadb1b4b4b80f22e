"""The forms of the organisation: what GET forms says about them."""

from __future__ import annotations

from typing import Any

from pyrus_etl.sandbox.organisation.forms import Field, Kind
from pyrus_etl.sandbox.v4 import extras
from pyrus_etl.sandbox.v4.catalogs import catalog_id
from pyrus_etl.sandbox.v4.values import OF_RAW

Json = dict[str, Any]


def form(kind: Kind) -> Json:
    """One form, with its steps and fields."""
    assert kind.project
    shown: Json = {"id": kind.project.id, "name": kind.project.name}
    if kind.steps:
        shown["steps"] = {str(number): extras.STEPS[number - 1] for number, _ in enumerate(kind.steps, 1)}
    shown["folder"] = [{"id": 77, "name": "Office"}]
    usual = [defined(field, kind) for field in kind.fields if field.parent is None]
    shown["fields"] = usual + extras.definitions(kind.name)
    return shown


def defined(field: Field, kind: Kind) -> Json:
    """One field, with its columns inside if it is a table."""
    _, heading = OF_RAW[id(field.json)]
    shown: Json = {key: heading[key] for key in ("id", "type", "name")}
    columns = [defined(one, kind) | {"parent_id": field.id} for one in kind.fields if one.parent == field.id]
    info: Json = {"code": heading["code"]} if "code" in heading else {}
    if columns:
        info |= {"is_table": True, "columns": columns}
    if field.type == "Catalog":
        info |= {"catalog_id": catalog_id(field), "multiple_choice": False}
    if field.type == "Decimal":
        info |= {"decimal_places": 2, "currency": "EUR"}
    if field.id % 5 == 0:
        info |= {"required_step": 1, "is_required": True}
    return shown | {"info": info} if info else shown
