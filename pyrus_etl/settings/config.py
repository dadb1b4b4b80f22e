"""Reads the config file: TOML (https://toml.io/en/v1.0.0). An unknown key is an error."""

import os
import tomllib
from typing import Any

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.text import described, first_invisible, read_text, stripped

DEFAULT_PATH = "config/pyrus_etl.toml"


def read_config(named: str, known: set[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """Returns the settings of the config file by table and key.

    Reads `named`, or `DEFAULT_PATH` if `named` is blank; without a file it returns {}. `known` holds the valid keys.
    Raises SettingsError.
    """
    path = stripped(named) or (DEFAULT_PATH if os.path.isfile(DEFAULT_PATH) else "")  # False in an unreadable folder
    if not path:
        return {}
    text = read_text(path, f"The config file {path}").removeprefix("\ufeff")
    try:
        config = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = _invisible_cause(text) or str(error)
        raise SettingsError(f"The config file {path} is not valid TOML: {reason}; correct the file.") from error
    _refuse_unknown_keys(path, config, known)
    return config


def _invisible_cause(text: str) -> str | None:
    """Describes the first invisible character: an editor does not show it, and tomllib does not name it."""
    for number, line in enumerate(text.splitlines(), 1):
        index = first_invisible(line.replace("\t", " "))
        if index is not None:
            return f"it contains {described(line[index])} in line {number}, column {index + 1}; remove it"
    return None


def _refuse_unknown_keys(path: str, config: dict[str, Any], known: set[tuple[str, str]]) -> None:
    for table, entries in config.items():
        for key in entries if isinstance(entries, dict) else [None]:
            if (table, key) not in known:
                name = table if key is None else f"{table}.{key}"
                names = ", ".join(sorted(f"{table}.{key}" for table, key in known))
                raise SettingsError(f"The config file {path} has an unknown key {name!r}; the known keys are {names}.")
