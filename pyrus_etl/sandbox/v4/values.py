"""Form values of API v3 as API v4 shows them: one function for each type that is not shown as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.forms import KINDS, Field
from pyrus_etl.sandbox.v4 import dates
from pyrus_etl.sandbox.v4.people import person

Json = dict[str, Any]
Shown = Callable[[Any], Any]

TYPES = {
    "Text": "text",
    "Email": "email",
    "ExternalFormAuthor": "external_form_author",
    "Decimal": "money",
    "Number": "number",
    "Date": "date",
    "DueDate": "due_date",
    "CreationDate": "creation_date",
    "Time": "time",
    "Phone": "phone",
    "Checkmark": "checkmark",
    "Flag": "flag",
    "Person": "person",
    "Author": "author",
    "Assignee": "person_responsible",
    "ApprovalPerson": "task_approval_user",
    "ApprovalDate": "task_approval_date",
    "ApprovalStep": "step",
    "ActivityStatus": "status",
    "Project": "project",
    "Catalog": "catalog",
    "Files": "file",
    "FileUrls": "file",
    "Note": "note",
    "Title": "title",
    "Unknown": "unknown",
}
KEYS = {"Catalog": "CatalogItemId", "Note": "Tooltip", "Title": "Checkmark"}
STATUSES = {"Opened": "open", "Closed": "closed"}
FILE = {
    "Id": "id",
    "Name": "name",
    "Size": "size",
    "MD5Hash": "md5",
    "DownloadUrl": "url",
    "Url": "url",
    "ExistingId": "root_id",
}


def day(value: str) -> str:
    return dates.moment(dates.instant(value))[:10]


def moment(value: str) -> str:
    return dates.moment(dates.instant(value))


def time(value: Json) -> str:
    return f"{value['UtcHour']:02}:{value['UtcMinute']:02}"


def phone(value: Json) -> str:
    return " ".join(part for part in (value["Prefix"], value["Number"]) if part)


def file(value: Json) -> Json:
    """A file, or a link, which has no id."""
    shown = {FILE[key]: part for key, part in value.items() if key in FILE}
    return shown | {"version": 1 if "root_id" in shown else 0} if "id" in shown else shown


def project(value: Any) -> Json:
    parsed = msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
    return {"projects": [named(parsed)]}


def named(value: Json) -> Json:
    shown = {"id": value["Id"], "name": value["Name"]}
    return shown | {"parent": named(value["Parent"])} if "Parent" in value else shown


SHOWN: dict[str, Shown] = {
    "Date": day,
    "DueDate": day,
    "CreationDate": moment,
    "ApprovalDate": moment,
    "Time": time,
    "Phone": phone,
    "Checkmark": str.lower,
    "Flag": str.lower,
    "ActivityStatus": STATUSES.__getitem__,
    "Person": person,
    "Author": person,
    "Assignee": person,
    "ApprovalPerson": person,
    "Project": project,
    "Files": lambda value: [file(one) for one in value],
    "FileUrls": lambda value: [file(one) for one in value],
    "Title": lambda value: {"checkmark": value.lower(), "fields": []},
}


def catalog(written: Json) -> Json:
    item, values = written["CatalogItemId"], written["CatalogItemValues"]
    shown = {"item_ids": [item], "headers": written["CatalogHeaders"], "rows": [values]}
    return {"item_id": item, "values": values} | shown


def value(type_: str, written: Json) -> Json:
    """`{"value": …}`, or nothing if the FormValue has none."""
    key = KEYS.get(type_, type_)
    if key not in written:
        return {}
    if type_ == "Catalog":
        return {"value": catalog(written)}
    show = SHOWN.get(type_)
    return {"value": show(written[key]) if show else written[key]}


def heading(field: Field, *, table: bool) -> Json:
    """The properties that a field has in every task."""
    shown: Json = {"id": field.id, "type": "table" if table else TYPES[field.type], "name": field.name, "tooltip": ""}
    if field.parent is not None:
        shown["parent_id"] = field.parent
    if field.id % 3 == 0:
        shown["code"] = f"u_{field.id}"
    return shown


FIELDS = [field for kind in KINDS for field in kind.fields]
PARENTS = {field.parent for field in FIELDS}
OF_RAW = {id(field.json): (field, heading(field, table=field.id in PARENTS)) for field in FIELDS}


def shown_field(shown: Any) -> tuple[str, Json]:
    """The v3 type and the heading of a FormField: one of the organisation's, or an object that a test wrote."""
    if isinstance(shown, msgspec.Raw):
        field, head = OF_RAW[id(shown)]
        return field.type, head
    kind = str(shown.get("Type"))
    head = {"id": shown.get("Id"), "type": TYPES.get(kind, kind), "name": shown.get("Name")}
    return kind, head | ({"parent_id": shown["ParentId"]} if "ParentId" in shown else {})


def fields(form: list[Json]) -> list[Json]:
    """FormValues, where rows of a table are flat, as fields, where a table has its cells inside."""
    found: list[Json] = []
    tables: dict[int, dict[int, list[Json]]] = {}
    for written in form:
        kind, head = shown_field(written["Field"])
        if "RowId" in written and head.get("parent_id") in tables:
            row = written["RowId"]
            cells = tables[head["parent_id"]].setdefault(row, [])
            cells.append(head | {"row_id": row} | value(kind, written))
        elif "Rows" in written:
            rows = tables[head["id"]] = {one["RowId"]: [] for one in written["Rows"]}
            table = [{"row_id": row, "cells": cells} for row, cells in rows.items()]
            found.append(head | {"type": "table", "value": table})
        else:
            found.append(head | value(kind, written))
    return found
