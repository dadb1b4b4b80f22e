"""Injected faults: a rate for each kind, every nth answer, or the next few requests on demand."""

from __future__ import annotations

from collections import deque
from typing import Literal, get_args

import msgspec

from pyrus_etl.sandbox.limits.late import LateRequests
from pyrus_etl.sandbox.organisation.dice import Dice

Fault = Literal["error", "unavailable", "reset", "short", "html", "slow", "limit", "lost", "gateway", "late"]
KINDS: tuple[Fault, ...] = get_args(Fault)
WRITES = ("addtask", "addform", "addcomment", "tasks", "comments")
"""The endpoints that change tasks."""


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """The share (0 to 1) of answers that fail in each way. With `every`, each nth answer fails, `kinds` in turn.

    error        500                        unavailable  503
    reset        connection reset           short        the body cut off in the middle
    html         HTML instead of JSON       slow         the answer, after `seconds`
    limit        429 with Retry-After: `retry_after`
    lost         the request is carried out, then the connection is reset
    gateway      the request is carried out, then the answer is a proxy's 502
    late         connection reset; the request is carried out `late_seconds` later, or at `release` if that is 0

    `reset` cuts the connection before the request is carried out, `lost` after it.

    If `endpoints` is set, only those fail: token, task, inbox, alltasks, searchtasks, profile, contacts, file, upload,
    addtask, addform, addcomment; for API v4 and the file services, the names in their tables of routes. `writes`
    means all that change tasks.
    """

    error: float = 0.0
    unavailable: float = 0.0
    reset: float = 0.0
    short: float = 0.0
    html: float = 0.0
    slow: float = 0.0
    limit: float = 0.0
    lost: float = 0.0
    gateway: float = 0.0
    late: float = 0.0
    late_seconds: float = 0.0
    seconds: float = 0.2
    retry_after: int = 1
    every: int = 0
    kinds: tuple[Fault, ...] = ("error", "unavailable", "reset", "short", "html")
    endpoints: tuple[str, ...] = ()
    seed: int = 0

    def rates(self) -> tuple[float, ...]:
        return tuple(getattr(self, kind) for kind in KINDS)


class FaultInjector:
    """Decides for each request whether it fails, and how."""

    def __init__(self, faults: Faults) -> None:
        self.down = False
        self.late = LateRequests()
        self._next: deque[tuple[Fault, str | None]] = deque()
        self.change(faults)

    def change(self, faults: Faults) -> None:
        self.faults = faults
        self._dice = Dice(faults.seed, 99)
        self._requests = 0

    def fail_next(self, count: int, kind: Fault, endpoint: str | None = None) -> None:
        """Makes the next `count` requests (to `endpoint`, if given) fail in this way."""
        self._next.extend([(kind, endpoint)] * count)

    def fault(self, endpoint: str) -> Fault | None:
        """The fault of this request; None if it is answered normally."""
        if self.down:
            return "unavailable"
        if self._next and self._next[0][1] in (None, *names(endpoint)):
            return self._next.popleft()[0]
        if self.faults.endpoints and not names(endpoint).intersection(self.faults.endpoints):
            return None
        return self._regular() or self._random()

    def _regular(self) -> Fault | None:
        every, kinds = self.faults.every, self.faults.kinds
        self._requests += 1
        if not every or self._requests % every:
            return None
        return kinds[self._requests // every % len(kinds)]

    def _random(self) -> Fault | None:
        if not any(self.faults.rates()):
            return None
        lot = self._dice.roll(1_000_000) / 1_000_000
        for kind, rate in zip(KINDS, self.faults.rates(), strict=True):
            lot -= rate
            if lot < 0:
                return kind
        return None


def names(endpoint: str) -> set[str]:
    """What a fault may call the endpoint."""
    return {endpoint, "writes"} if endpoint in WRITES else {endpoint}
