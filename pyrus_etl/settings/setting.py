"""The declaration of one setting."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """Where a setting comes from and how it is read.

    `path` is its table and key in the config file. `parse` gets the text and its source. `meaning` is a phrase for the
    help, the config file and docs/settings.md. `unset` says what happens if it has neither a value nor a default.
    A secret comes from the variable, or from a file that a `*_FILE` variable or a `*_file` key names.
    """

    environment: str
    path: str
    parse: Callable[[str, str], Any]
    default: str
    meaning: str
    unset: str
    is_secret: bool

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that the setting is read from."""
        return (self.environment, f"{self.environment}_FILE") if self.is_secret else (self.environment,)

    @property
    def key(self) -> tuple[str, str]:
        """The table and the key in the config file."""
        table, _, key = self.path.partition(".")
        return table, f"{key}_file" if self.is_secret else key


def setting(
    environment: str,
    path: str,
    parse: Callable[[str, str], T],
    meaning: str,
    default: str = "",
    unset: str = "",
    *,
    is_secret: bool = False,
) -> T:
    """Declares a field of `Settings`, whose type is what `parse` returns."""
    declared = Setting(environment, path, parse, default, meaning, unset, is_secret)
    return field(default=parse(default, environment), metadata={"setting": declared})
