"""Leases of the quota: when they are used, asked for and given back. The lender is scripted, as is the clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from unittest.mock import patch

import pytest

from pyrus_etl.client.quota.leases import Leases, size_for
from pyrus_etl.client.quota.lending import Closed, Grant, Report
from pyrus_etl.client.quota.pace import Pace
from pyrus_etl.client.quota.waits import Wait
from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.settings import Quota
from tests.simulation.loop import Loop
from tests.simulation.passing import Time

LEASE = 8.0


class Scripted:
    """A lender that grants what it has; `reports` are those that it got."""

    def __init__(self, permits: int) -> None:
        self.permits = permits
        self.reports: list[Report] = []
        self.is_away = False

    async def lend(self, report: Report) -> Grant:
        if self.is_away:
            raise DatabaseUnavailable("it is away")
        self.reports.append(report)
        granted = min(report.wanted, self.permits)
        self.permits -= granted
        return Grant(len(self.reports), granted, LEASE, used=0, free_in=600.0, held=0.0)

    @property
    def closed(self) -> list[Closed]:
        return [closed for report in self.reports for closed in report.closed]


Work = Callable[[Pace], Awaitable[None]]


def worked(lender: Scripted, work: Work, quota: Quota = Quota(5000, 600)) -> None:  # noqa: B008 -- a tuple
    """Does the work at the pace of the lender, by a clock that only waits move."""

    async def paced() -> None:
        pace = Pace(quota)
        leases = Leases(quota, lender.lend, pace.announce)
        pace.share(leases)
        await leases.begin(4)
        await work(pace)
        await leases.end()

    clock = Time()
    loop = partial(Loop, clock, lambda: None, clock.pass_by, lambda _: None)
    with patch.object(time, "monotonic", clock.now), asyncio.Runner(loop_factory=loop) as runner:
        runner.run(paced())


async def requests(pace: Pace, number: int, lasting: float = 0.0) -> None:
    async def request() -> None:
        async with pace:
            await asyncio.sleep(lasting)

    await asyncio.gather(*(request() for _ in range(number)))


def test_a_lease_has_fifty_permits_or_a_twentieth_of_a_small_quota_and_never_none() -> None:
    sizes = {Quota(5000, 600): 50, Quota(500, 6): 25, Quota(20, 3600): 1, Quota(1, 60): 1, Quota(10**6, 1): 50_000}

    assert {quota: size_for(quota) for quota in sizes} == sizes


def test_few_requests_take_one_lease_and_give_back_the_rest() -> None:
    lender = Scripted(5000)

    worked(lender, partial(requests, number=6))

    assert [report.wanted for report in lender.reports] == [50, 0]
    assert lender.closed == [Closed(1, 6, 0.0)]


def test_the_next_lease_is_asked_for_when_half_of_one_is_left() -> None:
    lender = Scripted(5000)

    async def one_by_one(pace: Pace) -> None:
        for _ in range(60):
            await requests(pace, 1, lasting=0.01)

    worked(lender, one_by_one)

    assert [report.wanted for report in lender.reports] == [50, 50, 0]
    assert [closed.used for closed in lender.closed] == [50, 10]


def test_a_lease_is_not_used_in_its_last_second() -> None:
    lender = Scripted(5000)

    async def with_a_pause(pace: Pace) -> None:
        await requests(pace, 3)
        await asyncio.sleep(LEASE - 0.9)
        await requests(pace, 2)

    worked(lender, with_a_pause)

    assert [closed.used for closed in lender.closed] == [3, 2]


def test_a_lease_with_requests_in_flight_is_renewed() -> None:
    lender = Scripted(5000)

    worked(lender, partial(requests, number=2, lasting=30.0))

    assert [report.in_flight for report in lender.reports[1:-1]] == [[1]] * 14
    assert lender.closed == [Closed(1, 2, 0.0)]


def test_a_lease_is_reported_soon_after_its_last_answer() -> None:
    lender = Scripted(5000)

    async def then_idle(pace: Pace) -> None:
        await requests(pace, 50)
        await asyncio.sleep(1.0)
        assert [closed.lease_id for closed in lender.closed] == [1]

    worked(lender, then_idle)


def test_a_cancelled_request_takes_no_permit() -> None:
    lender = Scripted(4)

    async def cancelled(pace: Pace) -> None:
        await requests(pace, 4)
        waiting = [asyncio.create_task(requests(pace, 1)) for _ in range(2)]
        await asyncio.sleep(1.0)
        waiting[0].cancel()
        lender.permits = 1
        await waiting[1]

    worked(lender, cancelled, Quota(4, 600))

    assert sum(closed.used for closed in lender.closed) == 5


def test_requests_fail_if_the_lender_stays_away_and_what_is_leased_is_used_until_then() -> None:
    lender = Scripted(5000)

    async def away(pace: Pace) -> None:
        lender.is_away = True
        with pytest.raises(DatabaseUnavailable):
            await requests(pace, 60)

    worked(lender, away)

    assert len(lender.reports) == 1


def test_requests_that_wait_for_the_answer_of_the_lender_do_not_seem_to_wait_for_the_quota() -> None:
    lender, waits = Scripted(5000), list[Wait | None]()

    async def at_once(pace: Pace) -> None:
        waiting = asyncio.create_task(requests(pace, 200))
        while not waiting.done():
            await asyncio.sleep(0)
            waits.append(pace.wait)

    worked(lender, at_once)

    assert waits
    assert not any(waits)
    assert len(lender.reports) > 2
