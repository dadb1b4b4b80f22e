"""One function for each kind of setting: text in, value out; raises SettingsError with an example."""

import re
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.text import stripped

LONGEST_DURATION = timedelta(days=3650)
MOST_DIGITS = 18
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Quota(NamedTuple):
    """At most `requests` in any `period` seconds."""

    requests: int
    period: float


def parse_duration(text: str, where: str = "duration") -> timedelta:
    """'90s', '30m', '6h', '2d' or sums such as '1h30m'; a bare number is not a duration."""
    text, units = stripped(text), {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if not re.fullmatch(r"(\d+(\.\d+)?[smhd])+", text):
        raise SettingsError(f"{where}: {text!r} is not a duration; write it like 90s, 30m, 6h or 1h30m.")
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    try:
        duration = sum((timedelta(**{units[unit]: float(amount)}) for amount, unit in parts), timedelta())
    except OverflowError:
        duration = timedelta.max
    if duration > LONGEST_DURATION:
        raise SettingsError(f"{where}: {text[:20]!r} is longer than {LONGEST_DURATION.days} days; shorten it.")
    return duration


def parse_quota(text: str, where: str = "quota") -> Quota:
    """'5000/600s' or '5000/10m': requests per period."""
    requests, slash, period = text.partition("/")
    if not slash or not requests.isdecimal() or len(requests) > MOST_DIGITS or int(requests) < 1:
        raise SettingsError(f"{where}: {text[:40]!r} is not a quota; write requests per period like 5000/600s.")
    seconds = parse_duration(period, where).total_seconds()
    if seconds <= 0:
        raise SettingsError(f"{where}: {text!r} has an empty period; write requests per period like 5000/600s.")
    return Quota(int(requests), seconds)


def parse_origin(text: str, where: str) -> str:
    """'https://pyrus.com': a scheme and a host, with a port or without one."""
    no_origin = SettingsError(f"{where}: {_shown(text)!r} is not an origin; write it like https://pyrus.com.")
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 -- it is checked when it is read
    except ValueError as error:
        raise no_origin from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise no_origin
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise SettingsError(f"{where}: give the origin alone, like https://{parts.hostname}, without path or user.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError(f"{where}: plain http would send the token in the clear; use https://{parts.hostname}.")
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine only."""
    return host in LOOPBACK or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def _shown(text: str) -> str:
    """The text without all that precedes an @: it may be a password."""
    return re.sub(r"//.*@", "//…@", text)


def parse_whole_number(text: str, where: str) -> int:
    if not text.isdecimal() or len(text) > MOST_DIGITS or not 1 <= int(text) <= 1000:
        raise SettingsError(f"{where}: {text[:40]!r} is not a whole number from 1 to 1000.")
    return int(text)


def one_of(words: tuple[str, ...], text: str, where: str) -> str:
    if text not in words:
        raise SettingsError(f"{where}: {text!r} is not one of {', '.join(words)}; choose one of these.")
    return text
