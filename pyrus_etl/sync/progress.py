"""How far a run has come, for a person who watches."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyrus_etl.client.quota.pace import Pace
from pyrus_etl.client.quota.waits import Wait


@dataclass
class Progress:
    """How far a run has come: tasks chosen and done so far, windows listed so far and left.

    `first_rows`: tasks that are known from registers and lists. `tasks_waiting`: those that are still to be chosen.
    `what`: the name of what is counted. `bytes_wanted`, `bytes_done`: of files, if their sizes are known. `pace`: the
    limit on requests, once there is one. Another thread may read all of it.
    """

    tasks_wanted: int = 0
    tasks_done: int = 0
    windows_listed: int = 0
    windows_left: int = 0
    first_rows: int = 0
    tasks_waiting: int = 0
    what: str = "tasks"
    bytes_wanted: int = 0
    bytes_done: int = 0
    pace: Pace | None = None
    started: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        """For a log line: what is done, or what the run waits for and what is left; then the time left."""
        if wait := self.wait:
            return self.announced(wait)
        if self.first_rows and not self.tasks_expected:
            return f"first rows of {self.first_rows:,} tasks"
        return f"{self.tasks_done:,} of {self.tasks_expected:,} {self.what}{self._in_bytes}{self._at_the_quota}"

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
    def _in_bytes(self) -> str:
        """The bytes of files, and the time that the others take at the same rate."""
        if not self.bytes_wanted:
            return ""
        seconds = time.monotonic() - self.started
        left = max(0, self.bytes_wanted - self.bytes_done) * seconds / self.bytes_done if self.bytes_done else 0
        shown = f", {self.bytes_done / 1e6:,.1f} of {self.bytes_wanted / 1e6:,.1f} MB"
        return f"{shown}, about {about(left)} left" if left else shown

    @property
    def _at_the_quota(self) -> str:
        if not (self.pace and (seconds := self.quota_seconds)):
            return ""
        return f", about {about(seconds)} at {self.pace.quota.requests:,} requests per {self.pace.quota.period:,g} s"

    @property
    def _left(self) -> str:
        if not self.tasks_expected:
            return f"the {self.what} are not counted yet"
        return f"{self.tasks_expected - self.tasks_done:,} of {self.tasks_expected:,} {self.what} left"

    @property
    def tasks_expected(self) -> int:
        """Tasks chosen so far and those to be chosen, plus the average of the listed windows for each window left."""
        each = self.tasks_wanted / self.windows_listed if self.windows_listed else 0
        return self.tasks_wanted + self.tasks_waiting + round(each * self.windows_left)


def about(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
