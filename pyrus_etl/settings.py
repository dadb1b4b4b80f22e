"""Settings: command-line option over environment over config file over default.

Secrets (`security_key`, `access_token`, `database_url`) come from the environment or from a file named by `*_FILE`;
they are wrapped so that no `repr`, log line or traceback can show them.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from pyrus_etl.errors import SettingsError

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("text", "json")
LONGEST_DURATION = timedelta(days=3650)
MOST_DIGITS = 18
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Secret:
    """A text that is shown only where `reveal()` is called on purpose."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"


class Quota(NamedTuple):
    """At most `requests` in any `period` seconds."""

    requests: int
    period: float


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, checked.

    `database_url` is None where the embedded PostgreSQL is meant, `time_zone` where that of the database is to stay.
    """

    url: str
    login: str | None
    client_id: str | None
    security_key: Secret | None
    access_token: Secret | None
    database_url: Secret | None
    concurrency: int
    quota: Quota
    overlap: timedelta
    time_zone: str | None
    log_level: str
    log_format: str


class _Setting(NamedTuple):
    environment: str
    table: str
    key: str
    default: str
    secret: bool = False


_SETTINGS = {
    "url": _Setting("PYRUS_URL", "pyrus", "url", "https://pyrus.com"),
    "login": _Setting("PYRUS_LOGIN", "pyrus", "login", ""),
    "client_id": _Setting("PYRUS_CLIENT_ID", "pyrus", "client_id", ""),
    "security_key": _Setting("PYRUS_SECURITY_KEY", "pyrus", "security_key_file", "", secret=True),
    "access_token": _Setting("PYRUS_ACCESS_TOKEN", "pyrus", "access_token_file", "", secret=True),
    "database_url": _Setting("DATABASE_URL", "database", "url_file", "", secret=True),
    "concurrency": _Setting("PYRUS_ETL_CONCURRENCY", "pyrus", "concurrency", "16"),
    "quota": _Setting("PYRUS_ETL_QUOTA", "pyrus", "quota", "5000/600s"),
    "overlap": _Setting("PYRUS_ETL_OVERLAP", "sync", "overlap", "30m"),
    "time_zone": _Setting("PYRUS_ETL_TIME_ZONE", "reports", "time_zone", ""),
    "log_level": _Setting("PYRUS_ETL_LOG_LEVEL", "log", "level", "INFO"),
    "log_format": _Setting("PYRUS_ETL_LOG_FORMAT", "log", "format", "text"),
}


def load_settings(
    options: Mapping[str, str | None],
    environment: Mapping[str, str] = os.environ,
    config_file: str | None = None,
) -> Settings:
    """The settings in force.

    `options` holds what stood on the command line, by setting name. Raises SettingsError with the name of the
    setting, where it stood, and what it should be.
    """
    config = _read_config(_config_path(config_file, environment))
    texts = {
        name: _text(name, _told(name, setting, options, environment, config)) for name, setting in _SETTINGS.items()
    }
    return Settings(
        url=_origin(*texts["url"]),
        login=texts["login"][0] or None,
        client_id=texts["client_id"][0] or None,
        security_key=_secret(texts["security_key"][0]),
        access_token=_secret(texts["access_token"][0]),
        database_url=_database_url(*texts["database_url"]),
        concurrency=_whole_number(*texts["concurrency"]),
        quota=parse_quota(*texts["quota"]),
        overlap=parse_duration(*texts["overlap"]),
        time_zone=texts["time_zone"][0] or None,
        log_level=_one_of(LOG_LEVELS, texts["log_level"][0].upper(), texts["log_level"][1]),
        log_format=_one_of(LOG_FORMATS, *texts["log_format"]),
    )


def parse_duration(text: str, where: str = "duration") -> timedelta:
    """'90s', '30m', '6h', '2d' or sums such as '1h30m'; a bare number is not a duration."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if not re.fullmatch(r"(\d+(\.\d+)?[smhd])+", text):
        raise SettingsError(f"{where}: {text!r} is not a duration; write it like 90s, 30m, 6h or 1h30m.")
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    try:
        duration = sum((timedelta(**{units[unit]: float(amount)}) for amount, unit in parts), timedelta())
    except OverflowError:
        duration = timedelta.max
    if duration > LONGEST_DURATION:
        raise SettingsError(f"{where}: {text[:20]!r} is longer than {LONGEST_DURATION.days} days.")
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


def _config_path(named: str | None, environment: Mapping[str, str]) -> Path | None:
    chosen = named or environment.get("PYRUS_ETL_CONFIG")
    if chosen:
        return Path(chosen)
    usual = Path("config/pyrus_etl.toml")
    return usual if usual.is_file() else None


def _read_config(path: Path | None) -> dict[str, dict[str, Any]]:
    if path is None:
        return {}
    try:
        config = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The config file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The config file {path} is not valid TOML: {error}.") from error
    _refuse_unknown_keys(path, config)
    return config


def _refuse_unknown_keys(path: Path, config: dict[str, Any]) -> None:
    known = {(setting.table, setting.key) for setting in _SETTINGS.values()}
    for table, entries in config.items():
        for key in entries if isinstance(entries, dict) else [None]:
            if (table, key) not in known:
                name = table if key is None else f"{table}.{key}"
                names = ", ".join(sorted(f"{table}.{key}" for table, key in known))
                raise SettingsError(f"The config file {path} has an unknown key {name!r}; known are {names}.")


def _text(name: str, told: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """The setting's text and where it stood: the first that is told; an empty text counts as not set."""
    text, where = next(((text.strip(), where) for text, where in told if text.strip()), ("", name))
    if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", text):
        raise SettingsError(
            f"{where} holds control characters, or bytes that are no UTF-8; it has to be one line of text."
        )
    return text, where


def _told(
    name: str,
    setting: _Setting,
    options: Mapping[str, str | None],
    environment: Mapping[str, str],
    config: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[str, str]]:
    """What is told of a setting, first what counts first; a file is read only where nothing before it is told."""
    yield options.get(name) or "", f"option --{name.replace('_', '-')}"
    yield environment.get(setting.environment, ""), setting.environment
    configured, where = str(config.get(setting.table, {}).get(setting.key, "")), f"{setting.table}.{setting.key}"
    if setting.secret:
        file_variable = f"{setting.environment}_FILE"
        yield _file_text(environment.get(file_variable, ""), file_variable), file_variable
        yield _file_text(configured, where), f"config {where}"
    else:
        yield configured, f"config {where}"
    yield setting.default, f"default of {name}"


def _file_text(path: str, where: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"{where}: the file {path} cannot be read: {reason}.") from error


def _secret(text: str) -> Secret | None:
    return Secret(text.strip()) if text.strip() else None


def _origin(text: str, where: str) -> str:
    no_origin = SettingsError(f"{where}: {_shown(text)!r} is not an origin; write it like https://pyrus.com.")
    try:
        parts = urlsplit(text.strip())
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
    """The text without what stands before an @: it may be a password."""
    return re.sub(r"//[^/]*@", "//…@", text)


def _database_url(text: str, where: str) -> Secret | None:
    if not text.strip():
        return None
    url = re.sub(r"^(postgresql|postgres)(\+psycopg)?://", "postgresql://", text.strip())
    if not url.startswith("postgresql://"):
        raise SettingsError(f"{where} is not a PostgreSQL URL; write it like postgresql://user@host:5432/database.")
    if not _is_encoded(url.removeprefix("postgresql://")):
        raise SettingsError(
            f"{where}: write special characters of the user and password percent-encoded: @ as %40, / as %2F, # as %23."
        )
    return Secret(url)


def _is_encoded(rest: str) -> bool:
    """Whether no part of a password may be taken for another part of the URL."""
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if "#" in rest or authority.count("@") > 1 or ("@" in rest and "@" not in authority):
        return False
    try:
        unquote(rest, errors="strict")
    except UnicodeDecodeError:
        return False
    return not re.search(r"%(?![0-9a-fA-F]{2})", rest)


def _whole_number(text: str, where: str) -> int:
    if not text.isdecimal() or len(text) > MOST_DIGITS or not 1 <= int(text) <= 1000:
        raise SettingsError(f"{where}: {text[:40]!r} is not a whole number from 1 to 1000.")
    return int(text)


def _one_of(words: tuple[str, ...], text: str, where: str) -> str:
    if text not in words:
        raise SettingsError(f"{where}: {text!r} is none of {', '.join(words)}.")
    return text
