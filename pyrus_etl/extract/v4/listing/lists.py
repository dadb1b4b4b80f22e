"""Lists of tasks and the inbox: the headers of tasks, with a sign if there are more.

https://pyrus.com/en/help/api/lists and https://pyrus.com/en/help/api/inbox.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from pyrus_etl.client.decode import damage, storable
from pyrus_etl.client.request import Request
from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.extract.privacy import hidden
from pyrus_etl.extract.sizes import Sizes, answered_list, longest
from pyrus_etl.extract.v4.listing.asking import Lister
from pyrus_etl.extract.v4.listing.spans import Span
from pyrus_etl.extract.v4.wire.read import Listed, read_headers
from pyrus_etl.settings.privacy import Privacy

MOST_LISTED, GROWTH = 5000, 4
MOST_OVERFULL = 100
"""Overfull seconds after which a server is given up."""
FIRST_OF_INBOX, GROWTH_OF_INBOX = 1000, 16


class Overfull(NamedTuple):
    """A second of a list that holds more tasks than the server returns; `sentence` says so."""

    list_id: int
    sentence: str


class Lists:
    """The lists of a run, and what it has learned about their length.

    `overfull`: the seconds of which tasks are missing. All others were listed.
    """

    def __init__(self, lister: Lister, privacy: Privacy) -> None:
        self._lister = lister
        self._privacy = privacy
        self._sizes = Sizes(MOST_LISTED, GROWTH)
        self.overfull: list[Overfull] = []
        self._sizes_of_inbox = Sizes(FIRST_OF_INBOX, GROWTH_OF_INBOX)

    async def read(self, list_id: int, span: Span) -> AsyncIterator[Listed]:
        """The tasks of a list, open and closed, in parts; a task may be in several.

        Raises FeedRefused, and PyrusUnreachable if the server ignores periods.
        """
        pending = [span]
        while pending:
            span = pending.pop()
            listed = await answered_list(partial(self._part, list_id, span), self._sizes)
            if not listed.has_more:
                yield listed
            elif len(self.overfull) >= MOST_OVERFULL or span.is_ignored_in(listed):
                raise PyrusUnreachable(
                    f"Pyrus lists tasks of list {list_id} whatever the period, and says that there are more: the list "
                    "cannot be read to its end; report this to the administrator of that Pyrus."
                )
            elif halves := span.halves(listed):
                pending += halves[::-1]
            else:
                yield await self._overfull(list_id, span)

    async def inbox(self) -> Listed:
        """The inbox in its order, then its groups; each task once. Raises FeedRefused."""

        async def ask(most: int) -> Listed:
            path = f"/inbox?item_count={most}&group_item_count={most}"
            return await self._lister.list(Request("GET", path, self._read_inbox), most, self._sizes_of_inbox)

        return await longest(ask, self._sizes_of_inbox, exact=True)

    async def _part(self, list_id: int, span: Span, most: int) -> Listed:
        parameters = urlencode({"item_count": most, "include_archived": "y", **span.parameters}, safe=":")
        request = Request("GET", f"/lists/{list_id}/tasks?{parameters}", self._read_tasks)
        return await self._lister.list(request, most, self._sizes)

    async def _overfull(self, list_id: int, span: Span) -> Listed:
        """A span that cannot be narrowed, by as long an answer as the server gives."""
        listed = await longest(partial(self._part, list_id, span), self._sizes, exact=True)
        if listed.has_more:
            second = datetime.fromtimestamp(span.created.bounds[0], UTC)
            sentence = (
                f"Pyrus does not list all tasks of list {list_id} that were created at {second:%Y-%m-%d %H:%M:%S} UTC: "
                f"it returns only {len(listed.headers)} of them, and no period is shorter. The other tasks are stored; "
                "ask Pyrus for longer lists."
            )
            self.overfull.append(Overfull(list_id, sentence))
        return listed

    def is_complete(self, list_id: int) -> bool:
        """Whether no task of the list is missing so far."""
        return all(list_id != each.list_id for each in self.overfull)

    def _read_tasks(self, body: bytes) -> tuple[Listed, int]:
        stored = storable(body)
        listed, unreadable = read_headers(hidden(stored, self._privacy))
        return listed, unreadable + damage(body, stored)

    def _read_inbox(self, body: bytes) -> tuple[Listed, int]:
        stored = storable(body)
        inbox = msgspec.json.decode(hidden(stored, self._privacy), type=_Inbox)
        groups = [group for group in inbox.task_groups or () if group]
        tasks = [task for part in (inbox, *groups) for task in part.tasks or ()]
        has_more = any(part.has_more for part in (inbox, *groups))
        if inbox.task_groups is None and not tasks and not has_more:
            return self._read_tasks(body)
        listed, unreadable = read_headers(msgspec.json.encode({"tasks": _once(tasks), "has_more": has_more}))
        return listed, unreadable + damage(body, stored)


class _Group(msgspec.Struct):
    tasks: list[msgspec.Raw] | None = None
    has_more: bool | None = None


class _Inbox(_Group):
    task_groups: list[_Group | None] | None = None


class _Id(msgspec.Struct):
    id: int | None = None


def _once(tasks: list[msgspec.Raw]) -> list[msgspec.Raw]:
    """The tasks without those that were there before; what has no readable id is kept."""
    first: dict[object, msgspec.Raw] = {}
    for number, task in enumerate(tasks):
        first.setdefault(_id(task) or f"row {number}", task)
    return list(first.values())


def _id(task: msgspec.Raw) -> int | None:
    try:
        return msgspec.json.decode(task, type=_Id).id
    except msgspec.DecodeError:
        return None
