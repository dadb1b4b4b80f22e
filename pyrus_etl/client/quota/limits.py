"""The wait that an answer asks for, in Retry-After or in headers about the quota.

A value is either seconds from now or an instant; an instant is compared with the server's own clock.
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

FIRST_EPOCH, LAST_EPOCH = 10**9, 10**11
"""Seconds since 1970 of the years 2001 and 5138: a number between them is an instant and not a wait."""
MILLISECONDS = 1000

_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,18})?", re.ASCII)


class QuotaHeaders(NamedTuple):
    """The names of the headers that say how many requests are left, and when (or in how many seconds) more will be."""

    remaining: str
    reset: str


def pause_after_refusal(headers: Mapping[str, str], names: QuotaHeaders) -> float | None:
    """Seconds that a refusal asks us to wait; None if it does not say, or if the value is not a time."""
    asked = _seconds("Retry-After", headers)  # https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    return _seconds(names.reset, headers) if asked is None else asked


def pause_when_exhausted(headers: Mapping[str, str], names: QuotaHeaders) -> float:
    """Seconds until requests are left again; 0 if some are left, or if the server does not say."""
    if headers.get(names.remaining, "").strip() != "0":
        return 0
    return _seconds(names.reset, headers) or 0


def _seconds(name: str, headers: Mapping[str, str]) -> float | None:
    text = headers.get(name, "").strip()
    if not _NUMBER.fullmatch(text):
        instant = _instant(text)
    elif (number := float(text)) < FIRST_EPOCH:
        return number
    else:
        instant = number / MILLISECONDS if number >= LAST_EPOCH else number
    if instant is None or not FIRST_EPOCH <= instant < LAST_EPOCH:
        return None
    clock = _instant(headers.get("Date", ""))
    return max(0.0, instant - (time.time() if clock is None else clock))


def _instant(text: str) -> float | None:
    """A date in a header as seconds since 1970; ISO 8601 is accepted too."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = parse(text)
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            continue
    return None
