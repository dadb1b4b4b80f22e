"""An independent reading of the contract: served bodies → the rows that every table must have.

Plain, naive and slow on purpose. It shares no code with extract, normalize or load, so it cannot share their mistakes.
`assert_tables_equal_world` reads all tables and reports the first difference.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

import psycopg
from psycopg.types.json import set_json_loads

from pyrus_etl.sandbox import World
from pyrus_etl.sandbox.organisation.people import ACCOUNT, contacts
from pyrus_etl.settings import Secret

T = TypeVar("T")

Json = dict[str, Any]
Row = tuple[Any, ...]
Tables = dict[str, dict[Row, Row]]
"""Table → key → the other columns, in the order of `COLUMNS`."""

TASK_COLUMNS = (
    "text author_id responsible_id due_date asap create_date modified_date close_date parent_task_id "
    "is_any_rejected form_id main_project_id is_closed deleted_at"
)
NOTE_COLUMNS = (
    "note_id author_id create_date text reassigned_to_id activity_action approval_choice due_date_changed "
    "due_date_removed user_id"
)
VALUE_COLUMNS = (
    "value_text value_number value_date value_timestamp value_time value_bool "
    "value_person_id value_project_id value_catalog_item_id value_json"
)
FIELD_COLUMNS = f"field_id row_id field_type field_name parent_field_id {VALUE_COLUMNS}"

COLUMNS = {
    "tasks": ("task_id", TASK_COLUMNS),
    "task_projects": ("task_id project_id", "project_no"),
    "notes": ("task_id note_no", NOTE_COLUMNS),
    "note_projects": ("task_id note_no project_id change", ""),
    "approvals": ("task_id step_no approver_no", "person_id choice"),
    "note_approvals": ("task_id note_no change step_no approver_no", "person_id create_date"),
    "form_values": ("task_id value_no", FIELD_COLUMNS),
    "note_form_values": ("task_id note_no value_no", FIELD_COLUMNS),
    "form_value_items": ("task_id note_no value_no item_no", "kind item_id text"),
    "form_fields": ("form_id field_id", "field_type field_name parent_field_id in_rows"),
    "attachments": (
        "task_id attachment_id",
        "name size_bytes download_url existing_id md5_hash note_no field_id",
    ),
    "persons": ("person_id", "first_name last_name email organization_id can_send_notification"),
    "organizations": ("organization_id", "name"),
    "projects": ("project_id", "name parent_id"),
    "raw_tasks": ("task_id", "payload payload_sha256"),
    "inbox_tasks": ("account_id task_id", "position"),
}
"""The key and the other columns of every table with data of Pyrus, except times of arrival: no body has them."""

KEPT_FOREVER = ("persons", "organizations", "projects", "form_fields")
DELETED = "a date"
"""The expected `deleted_at` of a task that is gone."""


def assert_tables_equal_world(
    database: Secret,
    world: World | Mapping[int, bytes],
    *,
    set_aside: Collection[int] = (),
    gone: Mapping[int, bytes] | None = None,
    lived: bool = False,
    inbox: Sequence[int] | None = None,
) -> None:
    """Asserts that every table about tasks has what the world serves, and nothing else.

    `set_aside`: tasks that cannot be stored. `gone`: tasks that a reconcile marked as deleted, with the bodies they
    had. `lived`: the world changed between runs, so persons and projects that no body mentions any more may remain.
    A world may also be given as bodies by task id; then the inbox is compared only if it is given.
    """
    if isinstance(world, World):
        bodies, inbox = dict(world.bodies()), world.inbox() if inbox is None else inbox
    else:
        bodies = dict(world)
    served = {task_id: body for task_id, body in bodies.items() if task_id not in set_aside}
    expected = tables_of(served, gone or {})
    expected["inbox_tasks"] = {(ACCOUNT.id, task_id): (place,) for place, task_id in enumerate(inbox or (), 1)}
    found = read_tables(database)
    for table in COLUMNS:
        if table != "inbox_tasks" or inbox is not None:
            difference = first_difference(table, expected[table], found[table], lenient=lived and table in KEPT_FOREVER)
            assert difference is None, difference


def tables_of(
    bodies: Mapping[int, bytes], gone: Mapping[int, bytes] | None = None, *, with_contacts: bool = True
) -> Tables:
    """Returns all rows for the bodies, and for the contacts of the sandbox."""
    tables: Tables = {table: {} for table in COLUMNS}
    for served, deleted_at in ((gone or {}, DELETED), (bodies, None)):
        for task_id, body in served.items():
            plain, digest = _served(body)
            tables["raw_tasks"][(task_id,)] = (plain, digest)
            _task(tables, task_id, plain["TaskWithNotes"], deleted_at)
    if with_contacts:
        _contacts(tables, _plainest(contacts()))
    return tables


def _contacts(tables: Tables, contacts: Json) -> None:
    for organization in _objects(contacts.get("Organizations")):
        organization_id = _integer(organization.get("Id"))
        if organization_id is not None:
            _merge(tables["organizations"], organization_id, (_text(organization.get("Name")),))
        for person in _objects(organization.get("Persons")):
            _person(tables, person, organization_id)


@lru_cache(maxsize=1000)
def _served(body: bytes) -> tuple[Json, str]:
    """A body, parsed, and its SHA-256; a test that compares after each of its runs compares mostly the same bodies."""
    return plain_json(body), hashlib.sha256(body).hexdigest()


def plain_json(body: bytes) -> Json:
    """Parses a body, with U+FFFD for characters that PostgreSQL cannot store; fractions are exact."""
    text = body.decode("utf-8", errors="replace")
    plain: Json = _exact_json(text)
    return _storable(plain) if "\\u" in text else plain


def _exact_json(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=_whole)


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < 4000 else Decimal(digits)  # Python does not parse longer integers


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub("[\0\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, list):
        return [_storable(element) for element in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(element) for key, element in value.items()}
    return value


def _plainest(value: Any) -> Any:
    """Parses the contacts of the sandbox, which contain pieces of finished JSON."""
    if isinstance(value, dict):
        return {key: _plainest(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_plainest(element) for element in value]
    return json.loads(bytes(value)) if not isinstance(value, str | int | None) else value


# The task itself


def _task(tables: Tables, task_id: int, task: Json, deleted_at: str | None) -> None:
    form_id = _form(task)
    filed_in = [_project(tables, project) for project in _objects(task.get("Projects"))]
    tables["tasks"][(task_id,)] = (
        _text(task.get("Text")),
        _person(tables, task.get("Author")),
        _person(tables, task.get("Responsible")),
        _day(task.get("DueDate")),
        task.get("Asap") is True,
        _instant(task.get("CreateDate")),
        _instant(task.get("ModifiedDate")),
        _instant(task.get("CloseDate")),
        _integer(task.get("ParentTaskId")),
        task.get("IsAnyRejected") is True,
        form_id,
        next((project_id for project_id in filed_in if project_id is not None), None),
        _instant(task.get("CloseDate")) is not None,
        deleted_at,
    )
    for project_id in filed_in:
        if project_id is not None and (task_id, project_id) not in tables["task_projects"]:
            place = 1 + sum(key[0] == task_id for key in tables["task_projects"])
            tables["task_projects"][task_id, project_id] = (place,)
    for step_no, step in _numbered(task.get("Approvals"), list):
        for approver_no, approval in _numbered(step, dict):
            person_id = _person(tables, approval.get("Person"))
            choice = _text(approval.get("Choice")) or "Waiting"
            tables["approvals"][task_id, step_no, approver_no] = (person_id, choice)
    for note_no, note in _numbered(task.get("Notes"), dict):
        _note(tables, task_id, note_no, note)
    for value_no, value in _numbered(task.get("Form"), dict):
        tables["form_values"][task_id, value_no] = _form_value(tables, value)
        _items(tables, (task_id, 0, value_no), value)
        _form_field(tables, form_id, value)
        _files_of(tables, task_id, None, value)


def _form(task: Json) -> int | None:
    """The form of a task: the first of its projects that is a root, else the root above the first."""
    chains = [chain for project in _objects(task.get("Projects")) if (chain := _upwards(project))]
    roots = [chain[0] for chain in chains if len(chain) == 1]
    tops = [chain[-1] for chain in chains]
    return (roots + tops)[0] if chains and _objects(task.get("Form")) else None


def _upwards(project: Json) -> list[int]:
    """Returns the id of a project and of those above it, as far as they are given."""
    project_id = _integer(project.get("Id"))
    return [] if project_id is None else [project_id, *_upwards(_object(project.get("Parent")))]


def _note(tables: Tables, task_id: int, note_no: int, note: Json) -> None:
    tables["notes"][task_id, note_no] = (
        _integer(note.get("Id")),
        _person(tables, note.get("Author")),
        _instant(note.get("CreateDate")),
        _text(note.get("Text")),
        _person(tables, note.get("ReassignedTo")),
        _text(note.get("ActivityAction")),
        _text(note.get("ApprovalChoice")),
        _day(note.get("DueDateChanged")),
        note.get("DueDateRemoved") is True,
        _integer(note.get("UserId")),
    )
    for change, name in (("added", "AddedProjects"), ("removed", "RemovedProjects")):
        for project in _objects(note.get(name)):
            project_id = _project(tables, project)
            if project_id is not None:
                tables["note_projects"][task_id, note_no, project_id, change] = ()
    for change in ("added", "removed", "rerequested"):
        for step_no, step in _numbered(note.get(f"Approvals{change.capitalize()}"), list):
            for approver_no, person in _numbered(step, dict):
                key = (task_id, note_no, change, step_no, approver_no)
                tables["note_approvals"][key] = (_person(tables, person), _instant(note.get("CreateDate")))
    for file in _objects(note.get("Attachments")):
        _attachment(tables, task_id, note_no, None, file)
    for value_no, value in _numbered(note.get("Form"), dict):
        tables["note_form_values"][task_id, note_no, value_no] = _form_value(tables, value)
        _items(tables, (task_id, note_no, value_no), value)
        _files_of(tables, task_id, note_no, value)


def _files_of(tables: Tables, task_id: int, note_no: int | None, value: Json) -> None:
    field_id = _integer(_object(value.get("Field")).get("Id"))
    for file in _objects(value.get("Files")):
        _attachment(tables, task_id, note_no, field_id, file)


def _attachment(tables: Tables, task_id: int, note_no: int | None, field_id: int | None, file: Json) -> None:
    """One row per file and task, for the place where the file appears first."""
    file_id = _integer(file.get("Id"))
    if file_id is None or (task_id, file_id) in tables["attachments"]:
        return
    tables["attachments"][task_id, file_id] = (
        _text(file.get("Name")),
        _integer(file.get("Size")),
        _text(file.get("DownloadUrl")),
        _integer(file.get("ExistingId")),
        _text(file.get("MD5Hash")),
        note_no,
        field_id,
    )


# What tasks share


def _person(tables: Tables, person: Any, organization_id: int | None = None) -> int | None:
    """Merges the given values of a person; returns their id."""
    given = _object(person)
    person_id = _integer(given.get("Id"))
    if person_id is not None:
        names = (_text(given.get("FirstName")), _text(given.get("LastName")), _text(given.get("Email")))
        may_send = given.get("CanSendNotification")
        row = (*names, organization_id, may_send if isinstance(may_send, bool) else None)
        _merge(tables["persons"], person_id, row)
    return person_id


def _project(tables: Tables, project: Any) -> int | None:
    """Merges the given values of a project and of those above it; returns its id."""
    given = _object(project)
    project_id = _integer(given.get("Id"))
    parent_id = _project(tables, given["Parent"]) if given.get("Parent") is not None else None
    if project_id is not None:
        _merge(tables["projects"], project_id, (_text(given.get("Name")), parent_id))
    return project_id


def _form_field(tables: Tables, form_id: int | None, value: Json) -> None:
    """Merges what a value of the task's form says about its field."""
    field = _object(value.get("Field"))
    field_id = _integer(field.get("Id"))
    if form_id is not None and field_id is not None:
        given = (_text(field.get("Type")), _text(field.get("Name")), _integer(field.get("ParentId")))
        _merge(tables["form_fields"], (form_id, field_id), (*given, _integer(value.get("RowId")) is not None))


def _merge(rows: dict[Row, Row], key: int | Row, row: Row) -> None:
    """A given value wins over a missing one."""
    key = key if isinstance(key, tuple) else (key,)
    known = rows.get(key, (None,) * len(row))
    rows[key] = tuple(old if new is None else new for new, old in zip(row, known, strict=True))


# Form values


def _form_value(tables: Tables, value: Json) -> Row:
    field = _object(value.get("Field"))
    kind = _text(field.get("Type"))
    filled = dict.fromkeys(VALUE_COLUMNS.split()) | _value_columns(tables, kind, value)
    return (
        _integer(field.get("Id")),
        _integer(value.get("RowId")),
        kind,
        _text(field.get("Name")),
        _integer(field.get("ParentId")),
        *filled.values(),
    )


def _value_columns(tables: Tables, kind: str | None, value: Json) -> Json:
    """The columns that a type fills, by the contract's list of them."""
    match kind:
        case "Text" | "Email" | "ActivityStatus":
            return {"value_text": _text(value.get(kind))}
        case "Note":
            return {"value_text": _text(value.get("Tooltip"))}
        case "Phone":
            phone = _object(value.get("Phone"))
            parts = (_text(phone.get("Prefix")), _text(phone.get("Number")))
            return {"value_text": " ".join(part for part in parts if part) or None}
        case "Checkmark" | "Flag":
            word = _text(value.get(kind))
            checked = {"Checked": True, "Unchecked": False}.get(word or "")
            return {"value_text": word, "value_bool": checked}
        case "Number" | "Decimal" | "ApprovalStep":
            return {"value_number": _number(value.get(kind))}
        case "Date" | "DueDate":
            return {"value_date": _day(value.get(kind))}
        case "ApprovalDate" | "CreationDate":
            return {"value_timestamp": _instant(value.get(kind))}
        case "Time":
            return {"value_time": _clock_time(value.get("Time"))}
        case "Person" | "Assignee" | "Author" | "ApprovalPerson":
            return {"value_person_id": _person(tables, value.get(kind))}
        case "Project":
            return {"value_project_id": _project(tables, value.get("Project"))}
        case "Catalog":
            own = _own(value, "CatalogItemId")
            return {"value_catalog_item_id": _integer(value.get("CatalogItemId")), "value_json": own}
        case _:
            return {"value_json": _own(value)}


def _items(tables: Tables, key: tuple[int, int, int], value: Json) -> None:
    """Yields one row for each item, file or project that a value names."""
    for item_no, item in enumerate(_items_of(value), 1):
        tables["form_value_items"][*key, item_no] = item


def _items_of(value: Json) -> list[Row]:
    match _text(_object(value.get("Field")).get("Type")):
        case "Catalog":
            item = (_integer(value.get("CatalogItemId")), _text(next(iter(_array(value, "CatalogItemValues")), None)))
            return [] if item == (None, None) else [("catalog", *item)]
        case "Files":
            return [
                ("file", _integer(file.get("Id")), _text(file.get("Name"))) for file in _objects(value.get("Files"))
            ]
        case "FileUrls":
            texts = [_text(link) or _text(_object(link).get("Url")) for link in _array(value, "FileUrls")]
            return [("file", None, text) for text in texts if text]
        case "Project":
            project = _object(value.get("Project"))
            project_id = _integer(project.get("Id"))
            return [] if project_id is None else [("project", project_id, _text(project.get("Name")))]
    return []


def _own(value: Json, *without: str) -> Json | None:
    """The value's own properties as served, without those that have columns and those that are null."""
    elsewhere = {"Field", "RowId", *without}
    return {name: given for name, given in value.items() if name not in elsewhere and given is not None} or None


# Single values: null if they cannot be read


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and -(2**63) <= value < 2**63 else None


def _number(value: Any) -> int | Decimal | None:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _instant(value: Any) -> datetime | None:
    found = re.fullmatch(r"/Date\((-?[0-9]+)([+-][0-9]{4})?\)/", value) if isinstance(value, str) else None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(found[1])) if found else None
    except OverflowError:
        return None


def _day(value: Any) -> date | None:
    instant = _instant(value)
    return instant.date() if instant else None


def _clock_time(value: Any) -> time | None:
    """The API leaves out zeros, as it leaves out defaults; if both numbers are missing, there is no time."""
    parts = [_object(value).get(name) for name in ("UtcHour", "UtcMinute")]
    if parts == [None, None]:
        return None
    hour, minute = (0 if part is None else _integer(part) for part in parts)
    readable = hour is not None and minute is not None and 0 <= hour < 24 and 0 <= minute < 60
    return time(hour or 0, minute or 0) if readable else None


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _array(value: Json, name: str) -> list[Any]:
    array = value.get(name)
    return array if isinstance(array, list) else []


def _objects(value: Any) -> list[Json]:
    return [element for _, element in _numbered(value, dict)]


def _numbered(value: Any, kind: type[T]) -> Iterator[tuple[int, T]]:
    """Yields the elements of an array with their places from 1; a null element has a place but no row."""
    for place, element in enumerate(value if isinstance(value, list) else [], 1):
        if isinstance(element, kind):
            yield place, element


# The stored tables


def read_tables(database: Secret) -> Tables:
    """Reads every table."""
    with psycopg.connect(database.reveal(), options="-c timezone=UTC") as connection:
        set_json_loads(_exact_json, connection)
        return {table: _read(connection, table) for table in COLUMNS}


def _read(connection: psycopg.Connection[Row], table: str) -> dict[Row, Row]:
    key, others = (names.split() for names in COLUMNS[table])
    rows = connection.execute(f"SELECT {', '.join(key + others)} FROM pyrus.{table}".encode()).fetchall()
    return {row[: len(key)]: row[len(key) :] for row in rows}


def first_difference(
    table: str, expected: Mapping[Row, Row], found: Mapping[Row, Row], *, lenient: bool = False
) -> str | None:
    """Returns the first row or column that differs, in the order of the keys; None if nothing does.

    A lenient comparison allows additional rows, and values that are expected to be null.
    """
    keys, others = (names.split() for names in COLUMNS[table])

    def place() -> str:
        return f"{table} at " + ", ".join(f"{name} {part}" for name, part in zip(keys, key, strict=True))

    for key in sorted(expected.keys() | found.keys()):
        if key not in found:
            return f"{place()}: no such row, expected {_short(expected[key])}"
        if key not in expected:
            if lenient:
                continue
            return f"{place()}: a row that nothing calls for, {_short(found[key])}"
        for name, wanted, stored in zip(others, expected[key], found[key], strict=True):
            if not (_same(wanted, stored) or (lenient and wanted is None)):
                return f"{place()}, {name}: expected {_short(wanted)}, found {_short(stored)}"
    return None


def _same(wanted: Any, stored: Any) -> bool:
    """Equality that distinguishes true from 1, at any depth; `DELETED` equals any date."""
    kind = type(wanted)
    if kind is type(stored) and kind is not dict and kind is not list:
        return bool(wanted == stored)
    if wanted is DELETED:
        return isinstance(stored, datetime)
    if isinstance(wanted, dict) and isinstance(stored, dict):
        return wanted.keys() == stored.keys() and all(_same(wanted[name], stored[name]) for name in wanted)
    if isinstance(wanted, list) and isinstance(stored, list):
        return len(wanted) == len(stored) and all(map(_same, wanted, stored))
    if isinstance(wanted, bool) or isinstance(stored, bool):
        return wanted is stored
    return bool(wanted == stored)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 500 else f"{text[:300]} … {text[-150:]} ({len(text)} characters)"
