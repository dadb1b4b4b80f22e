"""The questions to a source, and the pages of its answers."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from pyrus_etl.model.window import Window


class Changed(NamedTuple):
    """Asks for everything that changed in a period."""

    period: Window


class Unfinished(NamedTuple):
    """Asks for the tasks of the windows of a backfill that are not done.

    `whole`: they cover everything, so what has no date in any of them belongs to the backfill too.
    """

    windows: Sequence[Window]
    whole: bool


class Census(NamedTuple):
    """Asks for everything that the account can see. Tasks that are not listed are absent."""


class Whole(NamedTuple):
    """Asks for a whole stream of the directory: what tasks refer to.

    `versions`: of the things whose contents are stored by id; while its version stays, its contents are not listed.
    """

    versions: Mapping[int, int] = MappingProxyType({})


Question = Changed | Unfinished | Census | Whole


class Checkpoint(NamedTuple):
    """How far a list has come when the items of its page are stored.

    `window`: the window that the page belongs to. `rest`: the windows to list in its place; such a page has no items.
    `is_complete`: it is done. A window that has no rest and is not complete cannot be listed to its end.

    A list that is read from id to id does the same: it splits a window into what it has just read and what follows,
    then yields the items of the first half.
    """

    window: Window
    rest: tuple[Window, ...] = ()
    is_complete: bool = True


class Page(NamedTuple):
    """A part of a stream: task headers, or whole or partial things. Without a checkpoint, it cannot be resumed."""

    items: Iterable[Any]
    checkpoint: Checkpoint | None = None
