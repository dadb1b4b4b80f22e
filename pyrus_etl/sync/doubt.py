"""Doubt: a body that may be older than its task is stored, and the next run asks for it again.

A list may know of a change before the body shows it: a replica lags, or a cache answers. And dates count to the second:
what changes again within the second of a change has the same date, so no date can show it (git calls such a file
racy). A second answer with the same body ends the doubt, so that it costs one request a task.
"""

from datetime import datetime, timedelta

from pyrus_etl.extract.source import Fetched

SETTLED_AFTER = timedelta(seconds=2)
"""The server's clock is past the date of a body by more than this before the body is trusted."""


def is_doubtful(fetched: Fetched, listed_date: datetime | None) -> bool:
    """Whether the body may be older than the task: older than it was listed, or as young as its own last change.

    A body without a date cannot be compared.
    """
    date = fetched.task.last_change
    if date is None:
        return False
    if listed_date is not None and date < listed_date:
        return True
    return fetched.server_time - date <= SETTLED_AFTER
