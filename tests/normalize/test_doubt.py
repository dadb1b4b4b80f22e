"""A body is doubted if it may be older than its task; dates count in whole seconds."""

from datetime import UTC, datetime, timedelta

import pytest

from pyrus_etl.model.body import Body, Fetched
from pyrus_etl.model.task import Task
from pyrus_etl.normalize.doubt import is_doubtful

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
MILLISECOND, SECOND, HOUR = timedelta(milliseconds=1), timedelta(seconds=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("date", "listed", "doubted"),
    [
        (NOON, NOON, False),
        (NOON, NOON + 969 * MILLISECOND, False),
        (NOON, NOON + SECOND, True),
        (NOON, NOON + 1969 * MILLISECOND, True),
        (NOON + 300 * MILLISECOND, NOON + 969 * MILLISECOND, True),
        (NOON + 969 * MILLISECOND, NOON, False),
        (NOON, None, False),
        (None, NOON, False),
    ],
)
def test_a_body_is_older_than_its_list_shows_only_by_whole_seconds_if_it_has_no_milliseconds(
    date: datetime | None, listed: datetime | None, doubted: bool
) -> None:
    fetched = Fetched(Task(id=1, modified_date=date), Body(b"", "", NOON, "v3"), NOON + HOUR)

    assert is_doubtful(fetched, listed) is doubted


@pytest.mark.parametrize(("seconds", "doubted"), [(0, True), (2, True), (3, False)])
def test_a_body_that_was_served_within_two_seconds_of_its_date_is_doubted(seconds: int, doubted: bool) -> None:
    fetched = Fetched(Task(id=1, modified_date=NOON), Body(b"", "", NOON, "v3"), NOON + seconds * SECOND)

    assert is_doubtful(fetched, NOON) is doubted
