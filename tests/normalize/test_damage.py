"""If any place of a body is null, absent or of another type than documented, everything else is stored as usual.

All places of `full_task.json` are changed, one at a time; the oracle says what must be stored.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from operator import getitem
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.normalize.reading import FULL, difference_from_oracle, encoded, read, task_body
from tests.oracle import Json, plain_json

Place = tuple[str | int, ...]

INDISPENSABLE = {("TaskWithNotes",), ("TaskWithNotes", "Id")}
UNREADABLE: Json = {
    "Text": 5,
    "Author": "Ilse",
    "Author.FirstName": ["Ilse"],
    "DueDate": 1700006400000,
    "Asap": "true",
    "Projects": {},
    "Projects.0.Name": 1,
    "Projects.1.Parent.Parent.Id": "502",
    "CreateDate": "2023-11-14T22:13:20Z",
    "ParentTaskId": 2**63,
    "Approvals": "none",
    "Approvals.0": {},
    "Approvals.0.0.Choice": 1,
    "Approvals.0.0.Person.Email": False,
    "Form": 1,
    "Form.0": "Text",
    "Form.0.Field.Id": "1",
    "Form.0.Field": 1,
    "Form.0.Text": 5,
    "Form.4.Phone.Number": 5550101,
    "Form.4.Phone": "+44 5550101",
    "Form.6.Checkmark": True,
    "Form.11.Number": "2",
    "Form.15.Date": "2024-02-29",
    "Form.17.ApprovalDate": "/Date(1700003600789",
    "Form.19.Time": "23:59",
    "Form.19.Time.UtcHour": 24,
    "Form.20.Person": 74,
    "Form.20.Person.LastName": 74,
    "Form.24.Project.Parent": 505,
    "Form.25.CatalogItemId": "4294967296",
    "Form.28.RowId": "0",
    "Form.32.Files": {},
    "Form.32.Files.1.Size": "3 GB",
    "Notes.0.Id": 0.5,
    "Notes.0.DueDateChanged": "/Date(253402300800000)/",
    "Notes.0.ApprovalsAdded.0.0": 72,
    "Notes.0.Attachments.0.Size": "48213",
    "Notes.2.DueDateRemoved": 1,
}
WRONG = ({"Odd": 1}, [[1]], "odd", 7, -0.5, True)


def places(tree: Any, above: Place = ()) -> Iterator[Place]:
    """Yields every property and element at any depth, except those that a task cannot lack."""
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in inside:
        if (*above, step) not in INDISPENSABLE:
            yield (*above, step)
        yield from places(value, (*above, step))


def with_value(place: Place, value: Any) -> bytes:
    """The full body with another value in a place."""
    tree = plain_json(FULL)
    holder: Any = tree
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    return encoded(tree)


def without(place: Place) -> bytes:
    """The full body without a property."""
    tree = plain_json(FULL)
    holder: Any = tree
    for step in place[:-1]:
        holder = holder[step]
    del holder[place[-1]]
    return encoded(tree)


def differences(bodies: dict[Place, bytes]) -> list[str]:
    """The differences between the stored rows and the oracle's."""
    found = ((place, difference_from_oracle(body)) for place, body in bodies.items())
    return [f"{'.'.join(map(str, place))}: {difference}" for place, difference in found if difference]


FULL_TREE: Json = plain_json(FULL)
PLACES = list(places(FULL_TREE))

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**60]),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["/Date(0)/", "/Date(-62135596800000)/", "/Date(253402300800000)/", "/Date(1+0300)/", "Checked"]),
    st.sampled_from(["Catalog", "Time", "Phone", "Person", "Files", "Decimal", "Flag", "Date", "Unheard of"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["Id", "Name", "Field", "Type", "Parent", "Person", "Odd"]), inner, max_size=3),
    ),
    max_leaves=6,
)


def test_the_full_body_can_be_read_to_the_last_value() -> None:
    assert difference_from_oracle(FULL) is None
    assert read(FULL).unreadable == 0
    assert len(PLACES) > 400


def test_null_in_any_place_is_a_missing_value() -> None:
    bodies = {place: with_value(place, None) for place in PLACES}

    assert differences(bodies) == []
    assert [place for place, body in bodies.items() if read(body).unreadable] == []


def test_a_property_may_be_absent_from_any_place() -> None:
    bodies = {place: without(place) for place in PLACES if isinstance(place[-1], str)}

    assert differences(bodies) == []
    assert [place for place, body in bodies.items() if read(body).unreadable] == []


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_value_of_another_type_costs_only_itself(wrong: Any) -> None:
    assert differences({place: with_value(place, wrong) for place in PLACES}) == []


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), anything), min_size=2, max_size=12))
def test_several_damages_at_once_cost_only_themselves(damages: list[tuple[Place, Any]]) -> None:
    tree: Any = plain_json(FULL)
    for place, value in damages:
        with suppress(LookupError, TypeError):  # its container is gone
            reduce(getitem, place[:-1], tree)[place[-1]] = value

    assert difference_from_oracle(encoded(tree)) is None


@pytest.mark.parametrize(("name", "wrong"), UNREADABLE.items(), ids=UNREADABLE.keys())
def test_every_unreadable_value_is_counted(name: str, wrong: Any) -> None:
    place = tuple(int(step) if step.isdecimal() else step for step in name.split("."))

    assert read(with_value(("TaskWithNotes", *place), wrong)).unreadable == 1


def test_several_unreadable_values_are_counted_one_by_one() -> None:
    body = task_body(Text=5, Asap="yes", CreateDate="yesterday", Author=[], Notes=[{"Text": 1, "Id": "x"}, "note"])

    assert read(body).unreadable == 7
    assert read(body).tables["notes"].keys() == {(1, 1)}


def test_an_unreadable_value_is_counted_though_its_task_is_read_again() -> None:
    """A fault in a note causes the whole task to be read again, with the values of its form."""
    form = [{"Field": {"Id": 1, "Name": 7}, "RowId": "bad"}]
    reading = read(task_body(Form=form, Notes=[{"CreateDate": "bad"}]))

    assert reading.unreadable == 3


@pytest.mark.parametrize("task_id", [None, "1", 1.5, [], 2**63])
def test_a_body_without_a_readable_id_of_its_task_is_refused(task_id: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(encoded({"TaskWithNotes": {"Id": task_id, "Text": "whose?"}}))


@pytest.mark.parametrize("body", [b"{}", b"null", b"[]", b'{"TaskWithNotes": null}', b'{"TaskWithNotes": []}'])
def test_a_body_without_its_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(body)


@pytest.mark.parametrize("body", [b"", b"{", b"{not json}", b'{"TaskWithNotes": {"Id": 1}', b"[1,]"])
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read(body)
