"""Doubt: a body that may be older than its task is stored, and the next run fetches it again.

A list may show a change before the body does, because a replica lags or a cache answers. Dates also count in whole
seconds: a second change within the same second keeps the date, so no date can show it (git calls such a file "racy").
A second answer with the same body, more than two seconds after the first, ends the doubt, so doubt costs one request
per task.
"""

from datetime import datetime, timedelta

from pyrus_etl.model.body import Fetched

SETTLED_AFTER = timedelta(seconds=2)
"""A body is trusted if it was served more than this after its last change, by the server's clock."""


def is_doubtful(fetched: Fetched, listed_date: datetime | None) -> bool:
    """Whether the body may be older than the task: its date is before the listed one, or it was served too soon after.

    A body without a date cannot be compared, and is trusted.
    """
    date = fetched.task.last_change
    if date is None:
        return False
    if listed_date is not None and _is_before(date, listed_date):
        return True
    return fetched.server_time - date <= SETTLED_AFTER


def _is_before(date: datetime, listed_date: datetime) -> bool:
    """Whether the date of a body is before the listed one. If the body has whole seconds, only seconds count.

    Lists of the restapi have milliseconds that its bodies may lack. Otherwise each task would be fetched twice.
    """
    return date < (listed_date if date.microsecond else listed_date.replace(microsecond=0))
