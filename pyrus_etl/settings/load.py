"""Loads the settings from the command line, the environment and the config file.

Secrets (`security_key`, `access_token`, `database_url`) come from a variable or from a file, never from an option or
from the config file itself. The file is named by a `*_FILE` variable or a `*_file` key.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.config import read_config
from pyrus_etl.settings.database_url import parse_database_url
from pyrus_etl.settings.names import refuse_lost_url, warnings_about
from pyrus_etl.settings.parse import Quota, one_of, parse_duration, parse_origin, parse_quota, parse_whole_number
from pyrus_etl.settings.secret import Secret
from pyrus_etl.settings.text import cleaned, read_text, stripped

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("text", "json")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The validated settings.

    `database_url` is None for the embedded PostgreSQL. `time_zone` is None to keep the one stored in the database.
    `warnings` are sentences about variables that look like settings of ours but are not read.
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
    warnings: tuple[str, ...] = ()


class _Setting(NamedTuple):
    environment: str
    table: str
    key: str
    default: str
    secret: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that the setting is read from."""
        return (self.environment, f"{self.environment}_FILE") if self.secret else (self.environment,)


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
_CONFIG = "PYRUS_ETL_CONFIG"
_VARIABLES = {_CONFIG, *(variable for setting in _SETTINGS.values() for variable in setting.variables)}


def load_settings(
    options: Mapping[str, str | None],
    environment: Mapping[str, str] = os.environ,
    config_file: str | None = None,
) -> Settings:
    """Reads and validates all settings.

    `options` holds the options of the command line by setting name. Raises SettingsError, which names the setting, its
    source and a valid value.
    """
    environment = {stripped(name): text for name, text in environment.items()} | dict(environment)
    known = {(setting.table, setting.key) for setting in _SETTINGS.values()}
    config = read_config(config_file or environment.get(_CONFIG, ""), known)
    texts = {
        name: _first(name, _candidates(name, setting, options, environment, config))
        for name, setting in _SETTINGS.items()
    }
    database_url = parse_database_url(*texts["database_url"])
    if database_url is None:
        _refuse_empty_url(environment, config)
        refuse_lost_url(environment)
    return Settings(
        url=parse_origin(*texts["url"]),
        login=texts["login"][0] or None,
        client_id=texts["client_id"][0] or None,
        security_key=_secret(texts["security_key"][0]),
        access_token=_secret(texts["access_token"][0]),
        database_url=database_url,
        concurrency=parse_whole_number(*texts["concurrency"]),
        quota=parse_quota(*texts["quota"]),
        overlap=parse_duration(*texts["overlap"]),
        time_zone=texts["time_zone"][0] or None,
        log_level=one_of(LOG_LEVELS, texts["log_level"][0].upper(), texts["log_level"][1]),
        log_format=one_of(LOG_FORMATS, *texts["log_format"]),
        warnings=tuple(warnings_about(environment, _VARIABLES, embedded=database_url is None)),
    )


def _first(name: str, candidates: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Returns the first text that is not blank, and its source."""
    text, source = next(((text, source) for text, source in candidates if stripped(text)), ("", name))
    return cleaned(text, source), source


def _candidates(
    name: str,
    setting: _Setting,
    options: Mapping[str, str | None],
    environment: Mapping[str, str],
    config: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[str, str]]:
    """Yields the texts of a setting and their sources by precedence; reads a file only when the caller gets to it."""
    yield options.get(name) or "", f"option --{name.replace('_', '-')}"
    yield environment.get(setting.environment, ""), setting.environment
    configured, source = (
        str(config.get(setting.table, {}).get(setting.key, "")),
        f"config {setting.table}.{setting.key}",
    )
    if setting.secret:
        file_variable = f"{setting.environment}_FILE"
        yield _file_text(environment.get(file_variable, ""), file_variable), file_variable
        yield _file_text(configured, source), source
    else:
        yield configured, source
    yield setting.default, f"default of {name}"


def _file_text(path: str, source: str) -> str:
    return read_text(path, f"{source}: {_shown_path(path)}") if stripped(path) else ""


def _shown_path(path: str) -> str:
    """Returns the path as it may be shown: not if it may be the secret itself, set in the wrong variable."""
    folder = os.path.dirname(stripped(path))
    return f"the file {stripped(path)}" if os.path.isdir(os.path.expanduser(folder)) else "the file that it names"


def _refuse_empty_url(environment: Mapping[str, str], config: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises SettingsError if a database URL is given but empty.

    This is a mistake, and falling back to the embedded database would hide it for hours.
    """
    setting = _SETTINGS["database_url"]
    sources = [variable for variable in setting.variables if variable in environment]
    if stripped(str(config.get(setting.table, {}).get(setting.key, ""))):
        sources.append(f"config {setting.table}.{setting.key}")
    if sources:
        problem = "is empty" if sources[0] == setting.environment else "gives an empty URL"
        raise SettingsError(
            f"{sources[0]} {problem}; set it to postgresql://…, or remove it to use the embedded PostgreSQL."
        )


def _secret(text: str) -> Secret | None:
    return Secret(text) if text else None
