"""Waits that the server asks for: obeyed, announced, and limited to an hour in total."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from pyrus_etl.client.quota.waits import LONGEST, Hold, Wait
from pyrus_etl.errors import PyrusUnreachable

HOUR = 3600.0


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("pyrus_etl.client.quota.waits.time.monotonic", clock)
    return clock


class Held:
    """A hold, and the waits that it announced."""

    def __init__(self, clock: Clock) -> None:
        self.announced: list[Wait] = []
        self.hold = Hold(self.announced.append, service="Pyrus")
        self._clock = clock

    @property
    def pause(self) -> float:
        """Seconds until the next request may go."""
        return max(0.0, self.hold.until - self._clock.now)

    def waited(self) -> float:
        """Moves the clock to the end of the hold; returns the seconds waited."""
        pause = self.pause
        self._clock.now += pause
        return pause

    def waits_of_refusals(self, asked: float | None) -> Iterator[float]:
        """The waits of a run that is always refused, with 16 requests in flight, until it gives up."""
        with suppress(PyrusUnreachable):
            while True:
                for _ in range(16):
                    self.hold.refused(asked)
                yield self.waited()


@pytest.fixture
def held(clock: Clock) -> Held:
    return Held(clock)


@pytest.mark.parametrize("seconds", [1, 7, 600, 3599])
def test_a_refusal_waits_exactly_as_long_as_it_says(held: Held, seconds: float) -> None:
    for _ in range(16):  # all that were in flight
        held.hold.refused(seconds)

    assert held.pause == seconds


@pytest.mark.parametrize("seconds", [3601, 86_400, 10**9, 2e11])
def test_a_refusal_waits_an_hour_at_most_and_then_the_run_ends(held: Held, seconds: float) -> None:
    for _ in range(16):
        held.hold.refused(seconds)

    assert held.waited() == HOUR
    with pytest.raises(PyrusUnreachable, match="1 h"):
        held.hold.refused(seconds)


@pytest.mark.parametrize("seconds", [1, 60, 700, 3000])
def test_refusals_in_a_row_wait_an_hour_in_total(held: Held, seconds: float) -> None:
    assert sum(held.waits_of_refusals(seconds)) == pytest.approx(HOUR, abs=1)


@pytest.mark.parametrize("asked", [None, 0, 0.0])
def test_waits_grow_if_refusals_do_not_say_how_long(held: Held, asked: float | None) -> None:
    waits = list(held.waits_of_refusals(asked))

    assert waits[0] <= 0.1
    assert all(1 <= later / earlier <= 4 for earlier, later in pairwise(waits[:9]))
    assert sum(waits[:8]) > 10
    assert max(waits) <= 60
    assert sum(waits) == pytest.approx(HOUR, abs=1)


def test_a_good_answer_resets_the_guess(held: Held) -> None:
    for _ in range(8):
        held.hold.refused(None)
        held.waited()
    held.hold.answered(0)
    held.hold.refused(None)

    assert held.pause <= 0.1


@pytest.mark.parametrize("reset", [3601, 86_400, 10**9])
def test_a_spent_quota_with_a_far_reset_waits_an_hour_in_total(held: Held, reset: float) -> None:
    waited = 0.0
    for _ in range(500):
        for _ in range(16):
            held.hold.answered(reset)
        waited += held.waited()

    assert waited == HOUR


def test_a_run_that_makes_progress_may_wait_for_the_quota_any_number_of_times(held: Held) -> None:
    """1,000 requests in ten minutes, for two days."""
    waited = 0.0
    for _ in range(288):
        for _ in range(999):
            held.hold.answered(0)
        held.hold.answered(595)
        waited += held.waited()

    assert waited == 288 * 595


def test_the_longest_of_several_waits_counts(held: Held) -> None:
    held.hold.answered(20)
    held.hold.refused(5)

    assert held.pause == 20


def test_a_long_wait_is_announced_once_with_its_end(held: Held) -> None:
    for _ in range(16):
        held.hold.refused(300)

    (wait,) = held.announced
    assert abs(wait.until - datetime.now(UTC) - timedelta(seconds=300)) < timedelta(seconds=5)
    assert f"{wait.until:%H:%M:%S} UTC" in str(wait)
    assert "Pyrus's quota" in str(wait)


def test_the_announcement_says_if_a_wait_is_cut_short(held: Held) -> None:
    held.hold.answered(86_400)

    (wait,) = held.announced
    assert "86,400 s" in str(wait)
    assert wait.until < datetime.now(UTC) + timedelta(seconds=LONGEST + 5)


def test_short_waits_are_not_announced(held: Held, clock: Clock) -> None:
    for _ in range(20):
        held.hold.refused(29)
        held.waited()

    assert held.announced == []
