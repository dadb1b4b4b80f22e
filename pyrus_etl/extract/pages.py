"""The questions to a source, and the pages of its answers."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from pyrus_etl.model.window import Window


class Feed(NamedTuple):
    """A list that shows a part of the tasks. `kind`: `form` for the register of a form, or `list`."""

    kind: str
    id: int


class Known(NamedTuple):
    """Stored tasks, and the seconds of their last changes, from `since` on and before the period of a question.

    A list of everything that changed since then has these tasks too, under these dates or later ones.
    """

    dates: Mapping[int, int] = MappingProxyType({})
    since: int | None = None

    def widened(self, period: Window) -> Window:
        """The period with the dates of the known tasks."""
        if self.since is None or period.start is None:
            return period
        return period._replace(start=min(period.start, self.since))


class Changed(NamedTuple):
    """Asks for everything that changed in a period.

    `may_search`: whether a source may try the search of another API, which may save most requests. `periods`: other
    periods, for feeds that were never read before. `known`: tasks by which a search proves that it lists everything.
    """

    period: Window
    may_search: bool = True
    periods: Mapping[Feed, Window] = MappingProxyType({})
    known: Known = Known()

    def of(self, feed: Feed) -> Window:
        """The period in which a feed is listed."""
        return self.periods.get(feed, self.period)


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

    def has_moved(self, thing_id: int, version: int | None) -> bool:
        """Whether the contents of a thing are to be listed: it has no version, or another one than is known."""
        return version is None or self.versions.get(thing_id) != version


class FirstRows(NamedTuple):
    """Asks for what the feeds show of their tasks: partial tasks, before any body is fetched.

    `period`: of the last change of the tasks. `reached`: how far earlier runs came in each feed that they began: the
    greatest task id that is stored, or None if the feed is complete; complete feeds cost no request.
    """

    period: Window
    reached: Mapping[Feed, int | None]


Question = Changed | Unfinished | Census | Whole | FirstRows


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


class Reached(NamedTuple):
    """How far a feed has come when the items of its page are stored: to a task id, in the order of ids; None: its end.

    A page of a feed that is not read in the order of ids has none, except for the last page.
    """

    feed: Feed
    task_id: int | None


class Page(NamedTuple):
    """A part of a stream: task headers, or whole or partial things; they are read while they are taken, once.

    Without a `checkpoint` of windows, or one that says how far its feed has `reached`, it cannot be resumed. `refused`:
    a feed that the account may not read, so that its tasks are not listed, although they exist; such a page is empty.
    `feed`: the feed that task headers come from, if they come from one. `is_answer`: it took a request; if not, it only
    says that its feed has ended.
    """

    items: Iterable[Any]
    checkpoint: Checkpoint | None = None
    reached: Reached | None = None
    refused: Feed | None = None
    feed: Feed | None = None
    is_answer: bool = True
