"""How a slice ended, and what follows from it for the account. Pure."""

from typing import NamedTuple

from pyrus_etl.errors import (
    SET_ASIDE,
    BudgetSpent,
    LockHeld,
    LoginRefused,
    PyrusEtlError,
    Stopped,
)
from pyrus_etl.settings.retry import SOON

BUG = 1
LATER = 5.0
"""Seconds until an account is tried again that another run has: one of cron's, or of a worker that seemed dead."""


class Outcome(NamedTuple):
    """What is stored about the end of a slice.

    `after`: seconds until the next one; None: the account's interval, counted from the start. `failed`: the next pause
    is longer. `died`: counts towards the pause of an account that always dies. `complete`: all its work is done.
    """

    exit_code: int
    error: str | None = None
    after: float | None = None
    failed: bool = False
    died: bool = False
    complete: bool = False
    paused_because: str | None = None


def outcome_of(error: BaseException | None, exit_code: int, failures: int) -> Outcome:
    """What the end of a slice means. `failures`: how many in a row had failed before it."""
    match error:
        case None:
            return Outcome(exit_code, complete=True)
        case BudgetSpent():
            return Outcome(exit_code, after=0.0)
        case Stopped():
            return Outcome(exit_code, str(error), after=0.0)
        case LockHeld():
            return Outcome(exit_code, str(error), after=LATER)
        case LoginRefused():
            because = f"{error} Then run pyrus-etl cluster resume."
            return Outcome(exit_code, str(error), failed=True, after=0.0, paused_because=because)
        case PyrusEtlError() if exit_code == SET_ASIDE:
            return Outcome(exit_code, str(error), complete=True)
    pause = SOON.limit(failures + 1)
    is_bug = not isinstance(error, PyrusEtlError)
    message = f"internal error ({type(error).__name__}); the log of its worker has more" if is_bug else str(error)
    return Outcome(BUG if is_bug else exit_code, message, after=pause, failed=True, died=is_bug)
