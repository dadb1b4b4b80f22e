"""The log of requests: counts by endpoint and by status, ids of the fetched tasks, logins."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any


class Journal:
    """Written by the server, read by tests; `clear` starts it again."""

    def __init__(self, keep_ids: int) -> None:
        self._fetched: deque[int] = deque(maxlen=keep_ids)
        self.in_flight = 0
        self.clear()

    def clear(self) -> None:
        self.endpoints: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.peak = self.in_flight
        self._fetched.clear()

    def started(self, endpoint: str) -> None:
        self.endpoints[endpoint] += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)

    def ended(self, status: int) -> None:
        self.statuses[status] += 1
        self.in_flight -= 1

    def served(self, task_id: int) -> None:
        self._fetched.append(task_id)

    @property
    def fetched(self) -> list[int]:
        """Ids of the tasks answered with 200, in order; only the latest `keep_ids` of them."""
        return list(self._fetched)

    @property
    def total(self) -> int:
        return self.endpoints.total()

    @property
    def logins(self) -> int:
        """The number of requests for a token."""
        return self.endpoints["token"]

    def summary(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "logins": self.logins,
            "endpoints": dict(self.endpoints),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "faults": dict(self.faults),
            "peak": self.peak,
            "fetched": self.fetched,
        }
