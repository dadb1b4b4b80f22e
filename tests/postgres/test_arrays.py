"""Lists reach PostgreSQL as the arrays that they are, whatever is in them."""

from datetime import UTC, date, datetime
from typing import Any

from pyrus_etl.extract.v4.wire.dates import Instant
from pyrus_etl.postgres.connection import connect
from pyrus_etl.settings import Secret

ARRAYS: list[tuple[str, list[Any]]] = [
    ("bigint", []),
    ("bigint", [None]),
    ("bigint", [1, None, -(2**63), 2**63 - 1]),
    ("bigint", [[1, 2], [3, 4]]),
    ("boolean", [True, None, False]),
    ("text", ["", None, "NULL", 'a "b" \\ {c}, d', "7"]),
    ("date", [date(1, 1, 1), None, date(9999, 12, 31)]),
    (
        "timestamptz",
        [datetime(1, 1, 1, tzinfo=UTC), None, datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)],
    ),
    ("timestamptz", [Instant(2026, 2, 5, 10, 6, 21, tzinfo=UTC)]),
]


def test_a_list_is_sent_as_the_array_that_it_is(database: Secret) -> None:
    with connect(database) as connection:
        for kind, sent in ARRAYS:
            (received,) = connection.execute(f"SELECT %s::{kind}[]".encode(), [sent]).fetchone() or ()
            assert received == sent, kind
            assert {type(each) for each in received} <= {type(None), list, bool, int, str, date, datetime}
