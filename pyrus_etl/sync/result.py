"""The result of a run, for sync_runs and --json, and its progress for a person who watches."""

import os
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pyrus_etl.client.pace import Pace
from pyrus_etl.client.waits import Wait


@dataclass
class Counts:
    """The counts of a run so far; each is a column of sync_runs with the same name."""

    tasks_listed: int = 0
    tasks_fetched: int = 0
    tasks_changed: int = 0
    tasks_unchanged: int = 0
    tasks_deleted: int = 0
    tasks_failed: int = 0
    values_unreadable: int = 0
    requests: int = 0
    retries: int = 0


@dataclass
class Progress:
    """How far a run has come: tasks chosen and done so far, windows listed so far and left.

    `pace`: the limit on requests, once there is one. Another thread may read all of it.
    """

    tasks_wanted: int = 0
    tasks_done: int = 0
    windows_listed: int = 0
    windows_left: int = 0
    pace: Pace | None = None

    def __str__(self) -> str:
        """For a log line: what is done, or what the run waits for and what is left; then the time left."""
        if wait := self.wait:
            return self.announced(wait)
        return f"{self.tasks_done:,} of {self.tasks_expected:,} tasks{self._at_the_quota}"

    def announced(self, wait: Wait) -> str:
        """A wait, and the tasks left after it."""
        return f"{wait}; {self._left}{self._at_the_quota}"

    @property
    def wait(self) -> Wait | None:
        """What the run waits for now, if anything."""
        return self.pace.wait if self.pace else None

    @property
    def quota_seconds(self) -> float:
        """Seconds that the quota takes to let the remaining tasks through; 0 if it does not limit them."""
        if not self.pace:
            return 0
        seconds = self.pace.seconds_for(self.tasks_expected - self.tasks_done)
        left = (self.wait.until - datetime.now(UTC)).total_seconds() if seconds and self.wait else 0
        return max(seconds, left)

    @property
    def _at_the_quota(self) -> str:
        if not (self.pace and (seconds := self.quota_seconds)):
            return ""
        return f", about {_about(seconds)} at {self.pace.quota.requests:,} requests per {self.pace.quota.period:,g} s"

    @property
    def _left(self) -> str:
        if not self.tasks_expected:
            return "the tasks are not counted yet"
        return f"{self.tasks_expected - self.tasks_done:,} of {self.tasks_expected:,} tasks left"

    @property
    def tasks_expected(self) -> int:
        """Tasks chosen so far, plus the average of the listed windows for each window left."""
        each = self.tasks_wanted / self.windows_listed if self.windows_listed else 0
        return self.tasks_wanted + round(each * self.windows_left)


def _about(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def new_run_id() -> UUID:
    """Makes a UUID version 7 (https://www.rfc-editor.org/rfc/rfc9562): later ids are greater."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 68, random & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)


@dataclass
class Result:
    """The result of a run. `status`: running, ok, partial or failed. `error`: why it did not end well."""

    kind: str
    run_id: UUID = field(default_factory=new_run_id)
    status: str = "running"
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None
    counts: Counts = field(default_factory=Counts)
    error: str | None = None

    def finish(self, error: Exception | None = None, *, partial: bool = False) -> None:
        """Records how the run ended; later calls change nothing."""
        if self.finished_at is None:
            self.finished_at = datetime.now(UTC)
            self.status = "ok" if error is None else "partial" if partial else "failed"
            self.error = None if error is None else _storable(str(error)) or type(error).__name__

    def as_json(self) -> dict[str, Any]:
        """Returns plain values, in the order in which people read them."""
        return {
            "run_id": str(self.run_id),
            "kind": self.kind,
            "status": self.status,
            "started_at": _iso(self.started_at),
            "finished_at": _iso(self.finished_at),
            **asdict(self.counts),
            "error": self.error,
        }


def _storable(text: str) -> str:
    """Replaces what PostgreSQL cannot store: U+0000, and surrogates from environment bytes that are not UTF-8."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z") if instant else None
