"""Which forms and lists a run reads."""

from collections.abc import Iterable
from typing import NamedTuple

from pyrus_etl.errors import SettingsError

MAX_DIGITS = 18


class Selection(NamedTuple):
    """Ids that are read; with none `included`, all are but the `excluded` ones."""

    included: frozenset[int] = frozenset()
    excluded: frozenset[int] = frozenset()

    def has(self, number: int | None) -> bool:
        """Whether the form or list with this id is read."""
        return number not in self.excluded and (not self.included or number in self.included)

    def missing(self, ids: Iterable[int]) -> tuple[int, ...]:
        """What is included and is not among the ids."""
        return tuple(sorted(self.included.difference(ids)))

    @property
    def is_everything(self) -> bool:
        return not self.included and not self.excluded


EVERYTHING = Selection()


def parse_selection(text: str, source: str) -> Selection:
    """Parses '12,34', which includes only these ids, or '-12,-34', which excludes them."""
    included: set[int] = set()
    excluded: set[int] = set()
    for part in filter(None, map(str.strip, text.split(","))):
        number = part.removeprefix("-")
        if not number.isdecimal() or len(number) > MAX_DIGITS:
            raise SettingsError(f"{source}: {part[:40]!r} is not an id; write 12,34, or -12,-34 to exclude.")
        (included if part == number else excluded).add(int(number))
    return Selection(frozenset(included), frozenset(excluded))
