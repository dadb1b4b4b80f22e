"""The forms of the organisation: what GET forms says about them."""

from __future__ import annotations

from typing import Any

from pyrus_etl.sandbox.forms import KINDS, Field, Kind

from .values import OF_RAW

Json = dict[str, Any]

FORMS: dict[int, Kind] = {kind.project.id: kind for kind in KINDS if kind.project}


def form(kind: Kind) -> Json:
    """One form, with its steps and fields."""
    assert kind.project
    shown: Json = {"id": kind.project.id, "name": kind.project.name}
    if kind.steps:
        shown["steps"] = {str(number): f"Step {number}" for number, _ in enumerate(kind.steps, 1)}
    shown["fields"] = [defined(field, kind) for field in kind.fields if field.parent is None]
    return shown


def defined(field: Field, kind: Kind) -> Json:
    """One field, with its columns inside if it is a table."""
    _, heading = OF_RAW[id(field.json)]
    shown: Json = {key: heading[key] for key in ("id", "type", "name")}
    columns = [defined(one, kind) | {"parent_id": field.id} for one in kind.fields if one.parent == field.id]
    info: Json = {"code": heading["code"]} if "code" in heading else {}
    if columns:
        info |= {"is_table": True, "columns": columns}
    return shown | {"info": info} if info else shown
