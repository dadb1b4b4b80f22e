"""The config file: TOML, with known keys only."""

import os
import tomllib
from typing import Any

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.text import described, first_invisible, read_text, stripped

USUAL = "config/pyrus_etl.toml"


def read_config(named: str, known: set[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    """The named file, else the usual one if there is one, else nothing; by table and key. Raises SettingsError."""
    path = stripped(named) or (USUAL if os.path.isfile(USUAL) else "")  # also in a folder that we may not read
    if not path:
        return {}
    text = read_text(path, f"The config file {path}").removeprefix("\ufeff")
    try:
        config = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = _invisible_cause(text) or str(error)
        raise SettingsError(f"The config file {path} is not valid TOML: {reason}; correct it there.") from error
    _refuse_unknown_keys(path, config, known)
    return config


def _invisible_cause(text: str) -> str | None:
    """The first invisible character, which an editor does not show."""
    for number, line in enumerate(text.splitlines(), 1):
        place = first_invisible(line.replace("\t", " "))
        if place is not None:
            return f"it holds {described(line[place])} in line {number}, column {place + 1}; remove it"
    return None


def _refuse_unknown_keys(path: str, config: dict[str, Any], known: set[tuple[str, str]]) -> None:
    for table, entries in config.items():
        for key in entries if isinstance(entries, dict) else [None]:
            if (table, key) not in known:
                name = table if key is None else f"{table}.{key}"
                names = ", ".join(sorted(f"{table}.{key}" for table, key in known))
                raise SettingsError(f"The config file {path} has an unknown key {name!r}; known are {names}.")
