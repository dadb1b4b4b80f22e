"""Parses the texts of settings, one function for each type.

Each raises SettingsError with an example of a valid value. `source` is the variable, key or option that the text comes
from; it opens the message.
"""

import re
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.secret import Secret
from pyrus_etl.settings.text import stripped

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("text", "json")
APIS = ("v3", "v4")
HYBRID = ("auto", "off")
SWITCH = ("on", "off")
SHORTEST_KEEPING = timedelta(days=31)
LONGEST_DURATION = timedelta(days=3650)
MAX_DIGITS = 18
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Quota(NamedTuple):
    """At most `requests` in any period of `period` seconds."""

    requests: int
    period: float


def parse_duration(text: str, source: str = "duration") -> timedelta:
    """Parses '90s', '30m', '6h', '2d' or a sum such as '1h30m'. A number without a unit is not a duration."""
    text, units = stripped(text), {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if not re.fullmatch(r"(\d+(\.\d+)?[smhd])+", text):
        raise SettingsError(f"{source}: {text!r} is not a duration; write it like 90s, 30m, 6h or 1h30m.")
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    try:
        duration = sum((timedelta(**{units[unit]: float(amount)}) for amount, unit in parts), timedelta())
    except OverflowError:
        duration = timedelta.max
    if duration > LONGEST_DURATION:
        raise SettingsError(f"{source}: {text[:20]!r} is longer than {LONGEST_DURATION.days} days; shorten it.")
    return duration


def parse_keeping(text: str, source: str) -> timedelta:
    """Parses how long rows about runs are kept: alerts look at those of a month."""
    duration = parse_duration(text, source)
    if duration < SHORTEST_KEEPING:
        raise SettingsError(f"{source}: {text!r} is too short; give {SHORTEST_KEEPING.days}d or more.")
    return duration


def parse_interval(text: str, source: str) -> timedelta:
    """Parses a duration that is not zero."""
    interval = parse_duration(text, source)
    if interval <= timedelta():
        raise SettingsError(f"{source}: the duration must not be zero; write it like 15m.")
    return interval


def parse_quota(text: str, source: str = "quota") -> Quota:
    """Parses requests per period: '5000/600s' or '5000/10m'."""
    requests, slash, period = text.partition("/")
    if not slash or not requests.isdecimal() or len(requests) > MAX_DIGITS or int(requests) < 1:
        raise SettingsError(f"{source}: {text[:40]!r} is not a quota; write requests per period like 5000/600s.")
    seconds = parse_duration(period, source).total_seconds()
    if seconds <= 0:
        raise SettingsError(f"{source}: {text!r} has a period of zero; write requests per period like 5000/600s.")
    return Quota(int(requests), seconds)


def parse_origin(text: str, source: str) -> str:
    """Parses an origin: scheme, host and an optional port, such as 'https://pyrus.com'."""
    not_an_origin = SettingsError(f"{source}: {_shown(text)!r} is not an origin; write it like https://pyrus.com.")
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 -- raises ValueError if invalid
    except ValueError as error:
        raise not_an_origin from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise not_an_origin
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise SettingsError(f"{source}: give only the origin, like https://{parts.hostname}, without a path or user.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError(f"{source}: plain http would send the token unencrypted; use https://{parts.hostname}.")
    return f"{parts.scheme}://{parts.netloc}"


def parse_optional_origin(text: str, source: str) -> str | None:
    """Parses an origin; None if the text is empty."""
    return parse_origin(text, source) if text else None


def parse_secret_url(text: str, source: str) -> Secret | None:
    """Parses a URL that may hold a secret, so no message shows it; None if the text is empty."""
    if not text:
        return None
    wrong = SettingsError(f"{source} is not a URL; write it like https://hooks.example.com/services/….")
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 -- raises ValueError if invalid
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in text:
        raise wrong
    if "@" in parts.netloc:
        raise SettingsError(f"{source} has a user; name a URL that needs none.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError(f"{source}: plain http would send alerts unencrypted; use https.")
    return Secret(text)


def is_loopback(host: str) -> bool:
    """Returns whether `host` is this machine's loopback address."""
    return host in LOOPBACK or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def _shown(text: str) -> str:
    """Returns the text with everything between // and @ replaced: it may be a password."""
    return re.sub(r"//.*@", "//…@", text)


def parse_whole_number(text: str, source: str) -> int:
    if not text.isdecimal() or len(text) > MAX_DIGITS or not 1 <= int(text) <= 1000:
        raise SettingsError(f"{source}: {text[:40]!r} is not a whole number from 1 to 1000.")
    return int(text)


def parse_log_level(text: str, source: str) -> str:
    return _one_of(LOG_LEVELS, text.upper(), source)


def parse_log_format(text: str, source: str) -> str:
    return _one_of(LOG_FORMATS, text, source)


def parse_api(text: str, source: str) -> str | None:
    return _one_of(APIS, text.lower(), source) if text else None


def parse_hybrid(text: str, source: str) -> str:
    return _one_of(HYBRID, text, source)


def parse_switch(text: str, source: str) -> bool | None:
    """Parses 'on' or 'off'; None if the text is empty."""
    return _one_of(SWITCH, text.lower(), source) == "on" if text else None


def parse_person_id(text: str, source: str) -> int | None:
    if text and (not text.isdecimal() or len(text) > MAX_DIGITS):
        raise SettingsError(f"{source}: {text[:40]!r} is not the id of a person; it has digits only.")
    return int(text) if text else None


def _one_of(choices: tuple[str, ...], text: str, source: str) -> str:
    if text not in choices:
        raise SettingsError(f"{source}: {text!r} is not one of {', '.join(choices)}.")
    return text


def optional(text: str, _: str) -> str | None:
    """Returns any text; None if it is empty."""
    return text or None


def secret(text: str, _: str) -> Secret | None:
    return Secret(text) if text else None
