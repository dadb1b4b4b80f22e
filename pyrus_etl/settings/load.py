"""Loads the settings from the command line, the environment and the config file.

Secrets come from a variable or from a file, never from an option or from the config file itself. The file is named by a
`*_FILE` variable or a `*_file` key.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.account import Account
from pyrus_etl.settings.accounts import KEY_FILE, SHARED, read_account, refuse_mixed, sections
from pyrus_etl.settings.config import Config, read_config
from pyrus_etl.settings.declared import CONFIG, KEYS, SETTINGS, VARIABLES, Settings
from pyrus_etl.settings.exposure import warnings_about_files
from pyrus_etl.settings.names import refuse_lost_url, warnings_about
from pyrus_etl.settings.setting import Setting
from pyrus_etl.settings.text import cleaned, read_text, stripped

LOGIN = ("login", "person_id", "security_key", "access_token")
"""What the settings say of a login; sections of accounts replace it."""


class _Sources(NamedTuple):
    """Where settings come from, in order of precedence."""

    options: Mapping[str, str | None]
    environment: Mapping[str, str]
    config: Config


def load_settings(
    options: Mapping[str, object] | None = None,
    environment: Mapping[str, str] = os.environ,
    config_file: str | None = None,
) -> Settings:
    """Reads and validates all settings.

    `options` win over the `environment`. Options have the name of a field of `Settings`, variables their own, and both
    hold texts, as on the command line and in the shell. `config_file` wins over PYRUS_ETL_CONFIG and
    config/pyrus_etl.toml.
    Raises SettingsError, which names the setting, its source and a valid value.
    """
    environment = _with_clean_names(environment)
    config = read_config(config_file or environment.get(CONFIG, ""), KEYS)
    sources = _Sources(_texts(options or {}), environment, config)
    values = {name: setting.parse(*_first(name, setting, sources)) for name, setting in SETTINGS.items()}
    is_embedded = values["database_url"] is None
    if is_embedded:
        _refuse_empty_url(SETTINGS["database_url"], sources)
        refuse_lost_url(environment)
    if accounts := _accounts(values, sources):
        values |= dict.fromkeys(LOGIN)
    warnings = (
        *warnings_about(environment, VARIABLES, embedded=is_embedded),
        *warnings_about_files(_files(sources)),
        *(_warnings_about_login(sources) if accounts else ()),
    )
    found = config.path if config.is_found else ""
    return Settings(**values, warnings=warnings, found_config=found, accounts=accounts, has_several=len(accounts) > 1)


def _texts(options: Mapping[str, object]) -> dict[str, str | None]:
    """The options as texts, because a program may also give a number. Raises SettingsError if one is not a setting."""
    for name in options.keys() - SETTINGS.keys():
        known = ", ".join(each for each, setting in SETTINGS.items() if not setting.is_secret)
        raise SettingsError(f"The option {name!r} is unknown; the options are {known}.")
    return {name: None if value is None else str(value) for name, value in options.items()}


def _accounts(values: Mapping[str, Any], sources: _Sources) -> tuple[Account, ...]:
    """The accounts of the config file. What an option or a variable says of all of them wins over their sections."""
    shared = {name: values[name] for name in SHARED}
    given = {name for name in SHARED if _is_given(name, sources)}
    parse = {name: SETTINGS[name].parse for name in SHARED}
    found = []
    for section in sections(sources.config):
        keys = {key: value for key, value in section.keys.items() if key not in given}
        found.append(read_account(section._replace(keys=keys), shared, parse, _file_text))
    refuse_mixed(found)
    if found and stripped(sources.options.get("login") or ""):
        names = ", ".join(account.name for account in found)
        raise SettingsError(f"--login: the config file names the accounts; choose one of {names} by --account.")
    return tuple(found)


def _is_given(name: str, sources: _Sources) -> bool:
    """Whether an option or a variable has the setting."""
    return bool(stripped(sources.options.get(name) or sources.environment.get(SETTINGS[name].environment, "")))


def _warnings_about_login(sources: _Sources) -> Iterator[str]:
    """Yields a sentence for each variable of a login, which the sections of the accounts replace."""
    for name in LOGIN:
        for variable in SETTINGS[name].variables:
            if stripped(sources.environment.get(variable, "")):
                yield f"{variable} is not used, because {sources.config.path} has [accounts.NAME]."


def _files(sources: _Sources) -> Iterator[tuple[str, str]]:
    """The sources that name files with secrets, and the paths."""
    for setting in SETTINGS.values():
        if setting.is_secret:
            variable, (path, place) = setting.variables[1], sources.config.value(setting.key)
            yield from ((variable, sources.environment.get(variable, "")), (place, path))
    for section in sections(sources.config):
        path, place = section.value(KEY_FILE)
        yield place, path


def _with_clean_names(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the variables by their names without invisible characters at the ends; a clean name wins."""
    clean = {name: text for name, text in environment.items() if stripped(name) == name}
    return {stripped(name): text for name, text in environment.items()} | clean


def _first(name: str, setting: Setting, sources: _Sources) -> tuple[str, str]:
    """Returns the first text that is not blank, or else the default, and its source."""
    candidates: Iterable[tuple[str, str]] = _candidates(name, setting, sources)
    text, source = next(((text, source) for text, source in candidates if stripped(text)), (setting.default, name))
    return cleaned(text, source), source


def _candidates(name: str, setting: Setting, sources: _Sources) -> Iterator[tuple[str, str]]:
    """Yields the texts of a setting and their sources by precedence; reads a file only when the caller gets to it."""
    configured, place = sources.config.value(setting.key)
    if not setting.is_secret:
        yield sources.options.get(name) or "", f"option --{name.replace('_', '-')}"
    yield sources.environment.get(setting.environment, ""), setting.environment
    if setting.is_secret:
        _, file_variable = setting.variables
        yield _file_text(sources.environment.get(file_variable, ""), file_variable), file_variable
        yield _file_text(configured, place), place
    else:
        yield configured, place


def _file_text(path: str, source: str) -> str:
    return read_text(path, f"{source}: {_shown_path(path)}") if stripped(path) else ""


def _shown_path(path: str) -> str:
    """Returns the path as it may be shown: not if it may be the secret itself, set in the wrong variable."""
    folder = os.path.dirname(stripped(path))
    return f"the file {stripped(path)}" if os.path.isdir(os.path.expanduser(folder)) else "the file that it names"


def _refuse_empty_url(setting: Setting, sources: _Sources) -> None:
    """Raises SettingsError if a database URL is given but empty.

    This is a mistake, and falling back to the embedded database would hide it for hours.
    """
    given = [variable for variable in setting.variables if variable in sources.environment]
    configured, place = sources.config.value(setting.key)
    if stripped(configured):
        given.append(place)
    if given:
        problem = "is empty" if given[0] == setting.environment else "gives an empty URL"
        raise SettingsError(
            f"{given[0]} {problem}; set it to postgresql://…, or remove it to use the embedded PostgreSQL."
        )
