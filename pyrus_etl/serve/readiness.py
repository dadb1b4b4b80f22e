"""Whether the tables are up to date, and why not: `/readyz`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pyrus_etl.load.operation.due import Ended, last_ended, running_since
from pyrus_etl.postgres.connection import Connection

INTERVALS = 3
"""The last run may be this many intervals of the sync old."""


class Readiness(NamedTuple):
    """The answer of `/readyz`. `last_run`: that ended; `running_since`: of the run that is under way."""

    ready: bool
    reason: str
    last_run: dict[str, Any] | None = None
    running_since: datetime | None = None


def readiness(connection: Connection, login: str | None, every: timedelta) -> Readiness:
    """Ready while the last run is good and younger than three intervals."""
    last, since = last_ended(connection, login), running_since(connection, login)
    if last is None:
        return Readiness(False, "No run has ended yet.", running_since=since)
    reason = _fault(last, every * INTERVALS)
    return Readiness(reason is None, reason or f"The last {last.kind} ended well.", last._asdict(), since)


def readiness_of_all(connection: Connection, logins: Sequence[str | None], every: timedelta) -> Readiness:
    """Ready while every account is; if one is not, what is wrong with it. None: the only account, or all of them."""
    found = [(login, readiness(connection, login, every)) for login in logins]
    login, wrong = next(((login, each) for login, each in found if not each.ready), found[0])
    if wrong.ready or len(found) == 1:
        return wrong
    return wrong._replace(reason=f"{login}: {wrong.reason}")


def _fault(last: Ended, longest: timedelta) -> str | None:
    if last.status != "ok":
        how = "stopped early" if last.status == "partial" else "failed"
        return f"The last {last.kind} {how}: {last.error}"
    if last.seconds_ago > longest.total_seconds():
        age = timedelta(seconds=round(last.seconds_ago))
        return f"The last good run ended {age} ago, and may be {longest} old."
    return None
