"""Bodies of API v4 of every shape have the rows that the oracle works out from the same JSON."""

import json
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from pyrus_etl.extract.v4.wire.read import read_register
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.sandbox import World
from pyrus_etl.sandbox.v4.archive import ArchiveV4
from pyrus_etl.schema.metadata import written_columns
from tests.load.test_api_v4 import TASK
from tests.normalize.reading import encoded
from tests.normalize.reading_v4 import only_value, read, read_body, read_task, rows_of
from tests.oracle import Json
from tests.oracle_v4 import Table, tables_of
from tests.runs import CHECKOUT
from tests.services import need

SAMPLES = CHECKOUT.parent / "shared" / "samples"
Things = st.SearchStrategy[Any]


def some(**properties: Things) -> Things:
    """Objects with some of these properties."""
    return st.fixed_dictionaries({}, optional=properties)


def few(things: Things) -> Things:
    return st.lists(st.none() | things, max_size=3)


IDS = st.integers(1, 2**62)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
DAYS = st.dates().map(str)
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda at: f"{at}+01:00")  # noqa: DTZ001
PERSONS = some(id=IDS, first_name=WORDS, type=st.sampled_from(["user", "role"]))
FILES = st.lists(some(name=WORDS, id=IDS, size=IDS, root_id=IDS, version=IDS), min_size=1, max_size=3)
CHOICES = st.sampled_from(["waiting", "approved", "rejected", "acknowledged", "shrugged"])
DUE = some(due=INSTANTS, due_date=DAYS, duration=IDS | IDS.map(str))
VALUES: dict[str, Things] = {
    **dict.fromkeys(["text", "email", "phone", "note"], WORDS),
    **dict.fromkeys(["number", "money"], st.decimals(allow_nan=False, allow_infinity=False) | IDS),
    **dict.fromkeys(["person", "author", "person_responsible", "task_approval_user"], PERSONS),
    "step": IDS,
    "date": DAYS,
    "due_date": DAYS,
    "due_date_time": INSTANTS,
    "task_approval_date": INSTANTS,
    "creation_date": DAYS | INSTANTS,
    "time": st.times().map(lambda at: f"{at:%H:%M}"),
    "checkmark": st.sampled_from(["checked", "unchecked"]),
    "flag": st.sampled_from(["checked", "none", "blue"]),
    "status": st.sampled_from(["open", "closed"]),
    "file": FILES,
    "catalog": st.lists(st.tuples(IDS, WORDS), min_size=1, max_size=3).map(
        lambda rows: {"item_ids": [each for each, _ in rows], "headers": ["A"], "rows": [[text] for _, text in rows]}
    ),
    "form_link": st.builds(lambda ids, more: {"task_ids": ids, **more}, st.lists(IDS, min_size=1), some(subject=WORDS)),
    "project": st.lists(st.fixed_dictionaries({"id": IDS, "name": WORDS})).map(lambda found: {"projects": found}),
    "rating": st.recursive(st.booleans() | IDS | WORDS, lambda inner: st.lists(inner, min_size=1, max_size=2)),
}
"""Type → its values; sections, choices and tables are below, because fields are in them."""


def fields(typed: Things) -> Things:
    """Lists of fields with these types and values; some have no value, and some no id, name or parent."""
    return few(
        st.builds(
            lambda head, kind_and_value: {**head, **dict(zip(("type", "value"), kind_and_value, strict=True))},
            some(id=IDS, name=WORDS, parent_id=IDS, row_id=IDS, code=WORDS),
            typed | typed | typed.map(lambda found: (found[0], None)),
        )
    )


def nested(inner: Things) -> Things:
    """Sections, choices and tables with such fields in them."""
    section = some(checkmark=st.just("checked"), fields=fields(inner))
    choice = st.builds(
        lambda ids, more: {"choice_ids": ids, "choice_names": [str(each) for each in ids[:2]], **more},
        st.lists(IDS, max_size=3),
        some(fields=fields(inner)),
    )
    row = some(cells=fields(inner), row_id=IDS, position=IDS, deleted=st.just(True))
    return st.one_of(
        st.tuples(st.just("title"), section),
        st.tuples(st.just("multiple_choice"), choice),
        st.tuples(st.just("table"), st.lists(row, max_size=3)),
    )


TYPED = st.sampled_from(sorted(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind]))
FORMS = fields(st.recursive(TYPED, lambda inner: inner | nested(inner), max_leaves=12))
NOTES = some(
    id=IDS,
    text=WORDS,
    create_date=INSTANTS,
    author=PERSONS,
    approval_choice=CHOICES,
    action=st.sampled_from(["finished", "reopened", "shelved"]),
    field_updates=FORMS,
    added_list_ids=st.lists(IDS, unique=True, max_size=2),
    attachments=FILES,
    cancel_due=st.booleans(),
    approvals_added=few(few(some(person=PERSONS, step=IDS))),
    participants_added=few(PERSONS),
    mentions=few(IDS),
)
TASKS = some(
    text=WORDS,
    author=PERSONS,
    responsible=PERSONS,
    create_date=INSTANTS,
    close_date=INSTANTS,
    is_closed=st.booleans(),
    form_id=IDS,
    parent_task_id=IDS,
    current_step=IDS,
    fields=FORMS,
    list_ids=few(IDS),
    linked_task_ids=st.lists(IDS, max_size=2),
    approvals=few(few(some(person=PERSONS, approval_choice=CHOICES))),
    subscribers=few(some(person=PERSONS, approval_choice=CHOICES)),
    participants=few(PERSONS),
    attachments=FILES,
    comments=few(st.builds(lambda due, note: note | due, DUE, NOTES)),
)


@given(TASKS, DUE)
@settings(max_examples=60, deadline=None)
def test_any_task_has_the_rows_of_the_oracle(task: Json, due: Json) -> None:
    assert_rows(encoded({"task": {"id": 1, **task, **due}}))


@pytest.mark.parametrize(
    ("size", "stored"), [(42, 42), ("42", 42), ("9223372036854775807", 2**63 - 1), ("big", None), (2**63, None)]
)
def test_the_size_of_a_file_may_be_text(size: object, stored: int | None) -> None:
    """Of an attachment, and of a file in a field. An unreadable one is counted, and the rest of the file stays."""
    files = [{"id": 7, "name": "a.pdf", "size": size}]
    found = read(attachments=files, fields=[{"id": 1, "type": "file", "value": [files[0] | {"id": 8}]}])

    assert [(row["attachment_id"], row["name"], row.get("size_bytes")) for row in found.tables["attachments"]] == [
        (7, "a.pdf", stored),
        (8, "a.pdf", stored),
    ]
    assert found.unreadable == (0 if stored else 2)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"headers": ["A"], "rows": []}, {"headers": ["A"], "rows": []}),
        ({"item_ids": [], "headers": [], "rows": []}, {"headers": [], "rows": []}),
        ({"item_ids": []}, None),
        ({"item_id": 5, "values": ["x"], "rows": []}, {"rows": [["x"]]}),
    ],
)
def test_empty_lists_of_a_catalog_value_are_kept(value: Json, kept: Json | None) -> None:
    row, unreadable = only_value(id=1, type="catalog", value=value)

    assert (row.get("value_json"), unreadable) == (kept, 0)


def test_the_task_with_every_property_has_the_rows_of_the_oracle() -> None:
    """So the oracle knows every property; its rows of this task were worked out by hand."""
    assert_rows(encoded({"task": TASK}))


@pytest.mark.parametrize(
    "name", ["task_with_comments_all_field_types_REAL", "doc_simple_task", "webhook_event_comment_REAL"]
)
def test_a_recorded_task_has_the_rows_of_the_oracle(name: str) -> None:
    need("samples", SAMPLES.is_dir())
    task = json.loads((SAMPLES / f"v4_{name}.json").read_bytes(), parse_float=Decimal)["task"]

    assert_rows(encoded({"task": task}))


def assert_rows(body: bytes) -> None:
    _, task, unreadable = read_task(body)
    rows = task_rows(task)
    expected = tables_of({task.id: body})
    found: dict[str, Table] = {}
    for table, of_table in rows.owned.items():
        keys = [column.name for column in table.primary_key]
        for row in of_table:
            columns = {name: _plain(value) for name, value in zip(written_columns(table), row, strict=True)}
            key = tuple(columns.pop(name) for name in keys)
            found.setdefault(table.name, {})[key] = {
                name: value for name, value in columns.items() if value is not None and repr(value) != "UNSET"
            }

    for name in expected.keys() | found.keys():
        assert found.get(name, {}) == expected.get(name, {}), name
    assert unreadable + rows.unreadable == 0


def _plain(value: Any) -> Any:
    """A value as the oracle has it: JSON as plain data, days and times as text."""
    if isinstance(value, bytes):
        return json.loads(value, parse_float=Decimal)
    if isinstance(value, time) or (isinstance(value, date) and not isinstance(value, datetime)):
        return value.isoformat()
    return value


def test_the_tasks_of_a_world_have_the_rows_of_the_oracle() -> None:
    for _, body in World(11, tasks=200).v4.bodies():
        assert_rows(body)


def test_rows_of_registers_say_the_same_as_bodies() -> None:
    """So a body that arrives after its row changes nothing of what both give."""
    world = World(12, tasks=100).v4
    ordinals = [ordinal for ordinal in range(100) if world.form_of(ordinal) is not None]
    listed, unreadable = read_register(b'{"tasks": [%s]}' % b",".join(map(_row(world), ordinals)))
    bodies = [read_body(world.body_of(ordinal)) for ordinal in ordinals]

    assert unreadable == 0
    for row, body in zip(map(rows_of, listed.tasks()), bodies, strict=True):
        items = [item for item in body.tables.get("form_value_items", []) if item["note_no"] == 0]
        assert row.tables.get("form_values") == body.tables.get("form_values")
        assert row.tables.get("form_value_items", []) == items
        assert row.tables["tasks"][0].items() <= body.tables["tasks"][0].items()


def _row(world: ArchiveV4) -> Callable[[int], bytes]:
    """The row of a task in the register of its form."""

    def row(ordinal: int) -> bytes:
        seen = world.seen(ordinal)
        assert seen
        return world.row_json(seen)

    return row
