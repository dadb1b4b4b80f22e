"""The sections [accounts.NAME] of the config file: several accounts of one organisation, each with its own quota."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.account import Account
from pyrus_etl.settings.config import ACCOUNTS, Config
from pyrus_etl.settings.secret import Secret
from pyrus_etl.settings.text import cleaned

NAME = re.compile(r"[\w.@-]{1,60}")
KEY_FILE = "security_key_file"
SHARED = ("api", "url", "quota")
"""What an account has from the other settings if its section does not say it."""


class Section(NamedTuple):
    """A section [accounts.NAME] of the config file at `path`."""

    name: str
    keys: Mapping[str, Any]
    path: str

    def value(self, key: str) -> tuple[str, str]:
        """Returns the value of a key as text, empty if it is missing, and its place for messages."""
        return cleaned(str(self.keys.get(key, "")), self.place(key)), self.place(key)

    def place(self, key: str) -> str:
        return f"{ACCOUNTS}.{self.name}.{key} in {self.path}"


def sections(config: Config) -> Iterator[Section]:
    """The sections of the config file, in their order."""
    for name, keys in config.tables.get(ACCOUNTS, {}).items():
        yield Section(name, keys, config.path)


def read_account(
    section: Section,
    shared: Mapping[str, Any],
    parse: Mapping[str, Callable[[str, str], Any]],
    read_file: Callable[[str, str], str],
) -> Account:
    """Reads a section. `shared`: the values of SHARED without it; `parse`: how each of them is read from a text.

    A missing key file is a fault of this account only. Raises SettingsError for anything else.
    """
    if not NAME.fullmatch(section.name):
        raise SettingsError(
            f"The config file {section.path} has an account named {section.name[:60]!r}; "
            "use letters, digits, -, _, . and @."
        )
    login, _ = section.value("login")
    if not login:
        raise SettingsError(f"The account {section.name} has no login; set {section.place('login')}.")
    own = {name: parse[name](*section.value(name)) for name in SHARED if section.value(name)[0]}
    key, fault = _security_key(section, read_file)
    return Account(name=section.name, login=login, security_key=key, fault=fault, **{**shared, **own})


def _security_key(section: Section, read_file: Callable[[str, str], str]) -> tuple[Secret | None, SettingsError | None]:
    path, place = section.value(KEY_FILE)
    if not path:
        raise SettingsError(f"The account {section.name} has no key; name the file with its security key in {place}.")
    try:
        text = cleaned(read_file(path, place), place)
    except SettingsError as error:
        return None, error
    return (Secret(text), None) if text else (None, SettingsError(f"{place} names an empty file; write the key in it."))


def refuse_mixed(accounts: Iterable[Account]) -> None:
    """Raises SettingsError if two accounts are the same, or of two organisations."""
    by_login: dict[str, Account] = {}
    for account in accounts:
        first = by_login.setdefault(account.login.casefold(), account)
        if first is not account:
            raise SettingsError(
                f"The accounts {first.name} and {account.name} have the same login; remove one of the two sections."
            )
    for one, other in zip(by_login.values(), [*by_login.values()][1:], strict=False):
        if one.url != other.url:
            raise SettingsError(
                f"The accounts {one.name} and {other.name} have two URLs, {one.url} and {other.url}; "
                "a database holds one organisation, so give the other one a config file and a database of its own."
            )


def chosen(accounts: tuple[Account, ...], name: str | None) -> tuple[Account, ...]:
    """The accounts that a command works for: the named one or all; none if the settings name the only one.

    Raises SettingsError if there is none of that name.
    """
    found = accounts if name is None else tuple(account for account in accounts if account.name == name)
    if name is None or found:
        return found
    known = ", ".join(account.name for account in accounts)
    advice = f"name one of {known}" if known else "add a section [accounts.NAME] to the config file, or leave it out"
    raise SettingsError(f"There is no account {name!r}; {advice}.")
