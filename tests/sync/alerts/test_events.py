"""Which events are due, decided from runs and earlier events alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from pyrus_etl.load.operation.alerts import Ended, Past, Subject
from pyrus_etl.sync.alerts.events import due

BOT = Subject(5, None)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def runs(text: str) -> list[Ended]:
    """`kind outcome`, one for each hour up to now; later runs have greater ids."""
    words = [line.split() for line in text.split(", ") if line]
    return [
        Ended(BOT, kind, UUID(int=number), NOW - timedelta(hours=len(words) - number), outcome, "why")
        for number, (kind, outcome) in enumerate(words, 1)
    ]


def events(found: list[Ended], *past: tuple[str, int]) -> list[str]:
    """`past`: events and the numbers of their runs, in their order."""
    noted = [Past(BOT, event, UUID(int=number), UUID(int=run)) for number, (event, run) in enumerate(past, 1)]
    return [f"{alert.event} {alert.run_id.int}" for alert in due(found, noted, NOW, [], timedelta.max)]


@pytest.mark.parametrize(
    ("found", "past", "expected"),
    [
        ("sync ok", [], []),
        ("sync failed", [], ["failing 1"]),
        ("backfill failed, sync ok", [], []),
        ("sync partial", [], []),
        ("sync failed, sync partial", [("failing", 1)], []),
        ("sync failed, backfill ok", [("failing", 1)], ["recovered 2"]),
        ("sync failed, reconcile ok", [("failing", 1)], ["recovered 2"]),
        ("reconcile failed, sync ok", [("failing", 1)], []),
        ("reconcile failed, sync ok, reconcile ok", [("failing", 1)], ["recovered 3"]),
        ("sync failed, sync ok", [("failing", 1), ("recovered", 2)], []),
        ("sync failed, sync ok, reconcile failed", [("failing", 1), ("recovered", 2)], ["failing 3"]),
        ("download failed, sync ok", [("failing", 1)], []),
        ("sync ok, reconcile doubted", [], ["census_doubted 2"]),
        ("reconcile doubted", [("census_doubted", 1)], []),
        ("reconcile ok, sync ok, reconcile doubted", [("census_doubted", 0)], ["census_doubted 3"]),
        ("reconcile doubted, reconcile ok", [], []),
        ("sync failed, reconcile doubted, sync ok", [("failing", 1), ("census_doubted", 2)], ["recovered 3"]),
        ("sync ok", [("stale", 1)], []),
        ("sync partial, sync ok", [("stale", 1)], ["recovered 2"]),
    ],
)
def test_an_event_is_due_once(found: str, past: list[tuple[str, int]], expected: list[str]) -> None:
    assert events(runs(found), *past) == expected


def test_an_old_failure_is_no_news_but_what_was_noted_stays_open() -> None:
    """Somebody may just have set the URL, and an account may have retired."""
    old = [run._replace(ended_at=run.ended_at - timedelta(days=9)) for run in runs("sync failed")]
    download = Ended(BOT, "download", UUID(int=2), NOW, "ok", None)

    assert events(old) == []
    assert events([*old, download], ("failing", 1)) == []
