"""What the end of a run means for the next one: when it begins, and what the log says."""

import logging

from pyrus_etl.errors import (
    SET_ASIDE,
    DatabaseUnavailable,
    LockHeld,
    PyrusUnreachable,
    StoppedEarly,
)
from pyrus_etl.settings import Retry
from pyrus_etl.sync.result import Result

log = logging.getLogger(__name__)


class Outlook:
    """When to try again. It holds how many runs in a row failed for a reason that passes.

    `every`: the interval of the sync, in seconds. `soon`: the pauses after a fault that passes. `slowly`: the pause
    after one that only a person can fix, if that is longer than the interval.
    """

    def __init__(self, every: float, soon: Retry, slowly: float) -> None:
        self._every = every
        self._soon = soon
        self._slowly = slowly
        self._failures = 0

    def pause(self, error: BaseException | None) -> float:
        """Seconds from the end of a run to the next try; for one that did its work, from its start."""
        if is_done(error):
            self._failures = 0
            return self._every
        if not passes(error):
            return max(self._every, self._slowly)
        self._failures += 1
        return min(self._every, self._soon.limit(self._failures))


def is_done(error: BaseException | None) -> bool:
    """Whether a run did its work, perhaps except for tasks or files that were set aside."""
    return error is None or isinstance(error, StoppedEarly) or getattr(error, "exit_code", 1) == SET_ASIDE


def passes(error: BaseException | None) -> bool:
    """Whether a fault passes by itself, or by somebody who looks after Pyrus, the network or the database server."""
    if isinstance(error, DatabaseUnavailable):
        return error.is_lost
    return isinstance(error, PyrusUnreachable | LockHeld)


def report(result: Result) -> None:
    """Logs how a run ended: in one line, with what a person has to do."""
    if is_done(result.error):
        seconds = (result.finished_at - result.started_at).total_seconds() if result.finished_at else 0.0
        first, *advice = result.summary()
        log.info("%s %s in %.1f s: %s", result.kind, result.status, seconds, first)
        for line in advice:
            log.warning("%s", line)
    if result.error and not isinstance(result.error, StoppedEarly):
        log.log(logging.WARNING if is_done(result.error) or passes(result.error) else logging.ERROR, "%s", result.error)
