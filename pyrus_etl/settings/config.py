"""Reads the config file: TOML (https://toml.io/en/v1.0.0). An unknown key is an error."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.text import described, first_invisible, read_text, stripped

DEFAULT_PATH = "config/pyrus_etl.toml"
ACCOUNTS = "accounts"
"""The table that has a table for each account."""
ACCOUNT_KEYS = ("login", "security_key_file", "api", "url", "quota")

Key = tuple[str, str]
"""A table and a key in it."""


class Config(NamedTuple):
    """The content of a config file by table and key; empty without a file.

    `is_found`: nobody named it, it is in the current folder.
    """

    path: str
    tables: Mapping[str, Mapping[str, Any]]
    is_found: bool = False

    def value(self, key: Key) -> tuple[str, str]:
        """Returns the value of a key as text, empty if it is missing, and its place for messages."""
        table, name = key
        return str(self.tables.get(table, {}).get(name, "")), f"{table}.{name} in {self.path}"


def read_config(named: str, known: set[Key]) -> Config:
    """Reads the config file `named`, or `DEFAULT_PATH` if `named` is blank and that file exists.

    `known` holds the valid keys. Raises SettingsError.
    """
    path = stripped(named) or (DEFAULT_PATH if os.path.isfile(DEFAULT_PATH) else "")  # False in an unreadable folder
    if not path:
        return Config("", {})
    text = read_text(path, f"The config file {path}").removeprefix("\ufeff")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = _invisible_cause(text) or str(error)
        raise SettingsError(f"The config file {path} is not valid TOML: {reason}; correct the file.") from error
    _refuse_unknown_keys(path, tables, known)
    return Config(path, tables, is_found=not stripped(named))


def _invisible_cause(text: str) -> str | None:
    """Describes the first invisible character: an editor does not show it, and tomllib does not name it."""
    for number, line in enumerate(text.splitlines(), 1):
        index = first_invisible(line.replace("\t", " "))
        if index is not None:
            return f"it contains {described(line[index])} in line {number}, column {index + 1}; remove it"
    return None


def _refuse_unknown_keys(path: str, tables: dict[str, Any], known: set[Key]) -> None:
    """Raises SettingsError for an unknown key: in a file of ours it can only be a mistake."""
    accounts = tables.get(ACCOUNTS, {})
    known = known | {(f"{ACCOUNTS}.{name}", key) for name in accounts for key in ACCOUNT_KEYS}
    for table, entries in _tables(path, tables, accounts):
        for key in entries if isinstance(entries, dict) else [None]:
            if (table, key) not in known:
                name = table if key is None else f"{table}.{key}"
                raise SettingsError(f"The config file {path} has an unknown key {name!r}; {_advice(name, known)}.")


def _tables(path: str, tables: dict[str, Any], accounts: Any) -> Iterator[tuple[str, Any]]:
    """The tables of the file, with those of the accounts in place of the table that holds them."""
    if not (isinstance(accounts, dict) and all(isinstance(each, dict) for each in accounts.values())):
        raise SettingsError(
            f"The config file {path} has a key in [accounts]; write a section [accounts.NAME] for each."
        )
    yield from ((name, entries) for name, entries in tables.items() if name != ACCOUNTS)
    yield from ((f"{ACCOUNTS}.{name}", entries) for name, entries in accounts.items())


def _advice(name: str, known: set[Key]) -> str:
    names = sorted(f"{table}.{key}" for table, key in known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
    question = f"did you mean {near[0]}? The" if near else "the"
    return f"{question} known keys are {', '.join(names)}"
