"""New values of the fields that only API v4 has, as tasks show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.by_id import PERSONS
from pyrus_etl.sandbox.tasks.comments import shown
from pyrus_etl.sandbox.v4 import dates
from pyrus_etl.sandbox.v4.attached import files
from pyrus_etl.sandbox.v4.people import person
from pyrus_etl.sandbox.v4.persons import person_id
from pyrus_etl.sandbox.v4.values import file
from pyrus_etl.sandbox.world.world import World

Json = dict[str, Any]
Show = Callable[[World, Json, Any], Any]


def head(defined: Json) -> Json:
    """What a task shows of a field besides its value."""
    return {key: defined[key] for key in ("id", "type", "name", "parent_id") if key in defined}


def extra_value(world: World, defined: Json, given: Any) -> Any:
    """The value as tasks show it; None clears the field. A type that is not known takes any value."""
    if given is None:
        return None
    show = SHOW.get(defined["type"])
    return show(world, defined, given) if show else given


def wrong(defined: Json) -> Refused:
    return Refused("invalid_value_format", about=f"Field {defined['id']} ({defined['type']}) does not take this value.")


def text(world: World, defined: Json, given: Any) -> Any:
    if not isinstance(given, str):
        raise wrong(defined)
    return given


def date(world: World, defined: Json, given: Any) -> Any:
    if not isinstance(given, str):
        raise wrong(defined)
    return dates.moment(dates.given(given))[: 10 if defined["type"] == "date" else 20]


def number(world: World, defined: Json, given: Any) -> Any:
    if not isinstance(given, (int, float)) or isinstance(given, bool):
        raise wrong(defined)
    return given


def choice(world: World, defined: Json, given: Any) -> Json:
    """`{"choice_id": 2}` or `{"choice_ids": [2]}`; a choice that was deleted is none."""
    ids = listed(defined, given, "choice_id")
    names = {one["choice_id"]: one["choice_value"] for one in defined["info"]["options"] if not one.get("deleted")}
    if unknown := [one for one in ids if one not in names]:
        raise Refused("invalid_value_format", about=f"Field {defined['id']} has no choice {unknown[0]}.")
    whole: Json = {"choice_ids": ids, "choice_names": [names[one] for one in ids]}
    return ({"choice_id": ids[0]} if len(ids) == 1 else {}) | whole


def link(world: World, defined: Json, given: Any) -> Json:
    ids = listed(defined, given, "task_id")
    for one in ids:
        try:
            world.ordinal(one)
        except (KeyError, TypeError):
            raise Refused("access_denied_task", about=f"There is no task {one}.") from None
    return {"task_ids": ids, "subject": f"{len(ids)} tasks"} | ({"task_id": ids[0]} if len(ids) == 1 else {})


def catalog(world: World, defined: Json, given: Any) -> Json:
    """Items of the field's catalog, by their ids."""
    source = world.v4.directory.catalogs.get(defined["info"]["catalog_id"])
    items = {} if source is None else {one.id: one for one in source.items.values() if not one.deleted}
    ids = listed(defined, given, "item_id")
    if source is None or any(one not in items for one in ids):
        raise Refused("invalid_catalog_item_id", about=f"The catalog of field {defined['id']} has no such item.")
    if len(ids) > 1 and not defined["info"].get("multiple_choice"):
        raise Refused("field_cannot_have_multiple_values", about=f"Field {defined['id']} takes one item.")
    values = [items[one].values for one in ids]
    whole: Json = {"item_ids": ids, "headers": source.headers, "rows": values}
    return whole | ({"item_id": ids[0], "values": values[0]} if len(ids) == 1 else {})


def listed(defined: Json, given: Any, key: str) -> list[Any]:
    """The ids under a name or its plural."""
    if not isinstance(given, dict) or not (several := given.get(f"{key}s") or [given.get(key)]):
        raise wrong(defined)
    return list(several)


def title(world: World, defined: Json, given: Any) -> Json:
    """A group with the fields inside it."""
    children = {one["id"]: one for one in defined["info"]["fields"]}
    if not isinstance(given, dict) or any(one.get("id") not in children for one in given.get("fields", ())):
        raise wrong(defined)
    inner = [
        head(children[one["id"]]) | {"value": extra_value(world, children[one["id"]], one.get("value"))}
        for one in given.get("fields", ())
    ]
    return {"checkmark": given.get("checkmark", "checked"), "fields": inner}


def table(world: World, defined: Json, given: Any) -> list[Json]:
    """All rows of a table; those that are marked with `delete` are left out."""
    columns = {one["id"]: one for one in defined["info"]["columns"]}
    if not isinstance(given, list):
        raise wrong(defined)
    rows = []
    for place, row in enumerate(one for one in given if not one.get("delete")):
        number = row.get("row_id", place + 1)
        if unknown := [one.get("id") for one in row.get("cells", ()) if one.get("id") not in columns]:
            raise Refused("invalid_field_id", about=f"The table {defined['id']} has no column {unknown[0]}.")
        cells = [
            head(columns[one["id"]])
            | {"value": extra_value(world, columns[one["id"]], one.get("value")), "row_id": number}
            for one in row.get("cells", ())
        ]
        rows.append({"row_id": number, "position": place + 1, "cells": cells})
    return rows


SHOW: dict[str, Show] = {
    "text": text,
    "email": text,
    "phone": text,
    "date": date,
    "due_date_time": date,
    "number": number,
    "money": number,
    "multiple_choice": choice,
    "form_link": link,
    "catalog": catalog,
    "title": title,
    "table": table,
    "person": lambda world, defined, given: person(PERSONS[person_id(given)].full),
    "file": lambda world, defined, given: [file(shown(world.origin, one)) for one in files(world, given)],
}
