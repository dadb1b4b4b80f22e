"""Lists of any length are read as they arrive, whatever they contain."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrus_etl.errors import BodyTooLarge
from pyrus_etl.extract.v3 import stream
from pyrus_etl.extract.v3.dates import Instant
from pyrus_etl.extract.v3.stream import Headers, LongList, Sieve
from pyrus_etl.extract.v3.wire import TaskHeader

DATES = st.sampled_from([None, "/Date(1482019200000)/", "/Date(1482019200001+0300)/", "/Date(-62135596800000)/"])
TEXTS = st.sampled_from(["", "},{", '"},{"Id":7', "\\", "},\n{", "Тендер", "\ud800", "]}", "]"])
TASKS = st.fixed_dictionaries(
    {"Id": st.integers(-(2**63), 2**63 - 1), "ModifiedDate": DATES, "Text": TEXTS},
    optional={"Projects": st.just([{"Id": 1, "Name": "},{"}, {"Id": 2, "Parent": {"Id": 3}}, None])},
)
ROWS = st.none() | TASKS


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LONGEST_HELD", 64)


def sifted(body: bytes, piece: int) -> LongList:
    """Reads a list whose body arrives in pieces of `piece` bytes."""
    sieve, arrived = Sieve(10), bytearray()
    for start in range(0, len(body), piece):
        arrived += body[start : start + piece]
        sieve.sift(arrived)
    return sieve.read(bytes(arrived))[0]


def list_body(rows: list[Any], **more: Any) -> bytes:
    return json.dumps({"Tasks": rows, **more}).encode()


@given(rows=st.lists(ROWS, max_size=12), more=st.booleans(), piece=st.integers(1, 200))
def test_a_list_in_pieces_equals_the_whole_list(rows: list[Any], more: bool, piece: int) -> None:
    body = list_body(rows, HasMoreTasks=more)
    whole, _ = stream.read_list(body)

    listed = sifted(body, piece)

    assert list(listed.headers) == whole.headers
    assert listed.has_more_tasks is more


@given(rows=st.lists(TASKS, min_size=4, max_size=12), piece=st.integers(1, 200), data=st.data())
def test_a_list_that_is_cut_short_is_invalid(rows: list[Any], piece: int, data: st.DataObject) -> None:
    body = list_body(rows)
    cut = data.draw(st.integers(0, len(body) - 1))

    with pytest.raises(msgspec.DecodeError):
        sifted(body[:cut], piece)


def test_rows_are_removed_while_the_rest_still_arrives() -> None:
    sieve, arrived = Sieve(10), bytearray(b'{"Tasks":[' + b",".join(b'{"Id":%d}' % number for number in range(50)))
    sieve.sift(arrived)

    assert len(sieve.headers) == 49
    assert bytes(arrived) == b'{"Tasks":[{"Id":49}'


def test_an_endless_list_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_UNASKED", 100)

    with pytest.raises(BodyTooLarge):
        sifted(b'{"Tasks":[' + b'{"Id":7},' * 2000, 50)


def test_a_row_without_an_id_is_invalid() -> None:
    with pytest.raises(msgspec.ValidationError):
        sifted(list_body([{"Id": number} for number in range(20)] + [{"Text": "?"}] + [{"Id": 9}] * 20), 10)


def test_an_unreadable_date_is_dropped_and_counted() -> None:
    sieve = Sieve(10)
    body = bytearray(list_body([{"Id": number, "ModifiedDate": "soon"} for number in range(9)]))
    sieve.sift(body)
    listed, unreadable = sieve.read(bytes(body))

    assert unreadable == 9
    assert [header.modified_date for header in listed.headers] == [None] * 9


def test_an_object_that_is_not_a_list_is_not_mistaken_for_an_empty_list() -> None:
    with pytest.raises(msgspec.ValidationError):
        sifted(b'{"Task":[]}', 3)


def test_headers_can_hold_every_date_and_every_id() -> None:
    headers_given = [TaskHeader(-(2**63)), TaskHeader(2**63 - 1, Instant(1, 1, 1, tzinfo=UTC))]
    headers_given += [TaskHeader(1, Instant(9999, 12, 31, 23, 59, 59, 999000, UTC)), TaskHeader(2, _now())]
    headers = Headers()
    for header in headers_given:
        headers.append(header)

    assert list(headers) == headers_given
    assert len(headers) == 4


def _now() -> Instant:
    now = datetime.now(UTC)
    return Instant(now.year, now.month, now.day, now.hour, now.minute, now.second, 0, UTC)


@pytest.mark.parametrize("pieces", [1, 50])
def test_a_list_with_unreadable_dates_is_a_list_without_dates(pieces: int) -> None:
    """.NET in Moscow writes a missing date as `/Date(-62135607600000+0300)/`."""
    rows = [{"Id": number, "ModifiedDate": "/Date(-62135607600000+0300)/"} for number in range(1, 60_001)]
    whole = json.dumps({"Tasks": rows, "HasMoreTasks": True}).encode()
    sieve, body, size = Sieve(60_000), bytearray(), len(whole) // pieces + 1
    for start in range(0, len(whole), size):
        body += whole[start : start + size]
        sieve.sift(body)
    listed, unreadable = sieve.read(bytes(body))

    assert unreadable == 60_000
    assert [(header.id, header.modified_date) for header in listed.headers] == [(row["Id"], None) for row in rows]
    assert listed.has_more_tasks
