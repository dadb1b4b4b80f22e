"""The restapi's lists as pages: the inbox, the contacts, and tasks from the search and the list of all tasks."""

from collections.abc import AsyncIterator
from typing import Protocol

from pyrus_etl.extract.pages import Changed, Checkpoint, Page, Question, Unfinished
from pyrus_etl.extract.sizes import Sizes
from pyrus_etl.extract.v3.stream import LongList
from pyrus_etl.extract.v3.windows import listings
from pyrus_etl.extract.v3.wire import Contacts, TaskList
from pyrus_etl.model.person import People
from pyrus_etl.model.stream import INBOX, PEOPLE
from pyrus_etl.model.window import EVERYTHING, Window


class Lists(Protocol):
    """The lists of the restapi. `has_more_tasks` if one is longer than the answer."""

    @property
    def search_sizes(self) -> Sizes:
        """How many tasks a search may ask for, as this run has learned."""
        ...

    async def contacts(self) -> Contacts: ...

    async def inbox(self) -> LongList:
        """The inbox in its order."""
        ...

    async def all_tasks(self) -> LongList:
        """All tasks that the account can see, whatever their dates."""
        ...

    async def search(self, window: Window, most: int) -> TaskList:
        """Open and closed tasks that were active in the window, at most `most` of them, in no order."""
        ...


async def pages(lists: Lists, stream: str, question: Question) -> AsyncIterator[Page]:
    """See `Source.pages`."""
    if stream == INBOX:
        yield Page((await lists.inbox()).headers)
        return
    if stream == PEOPLE:
        yield Page([People(await lists.contacts())])
        return
    async for listing in listings(lists.search, _windows(question), lists.search_sizes):
        yield Page(listing.tasks, Checkpoint(listing.window, listing.split, listing.complete))
    if _is_whole(question):  # in case the search leaves something out
        yield Page((await lists.all_tasks()).headers)


def _windows(question: Question) -> list[Window]:
    match question:
        case Changed(period):
            return [period]
        case Unfinished(windows):
            return list(windows)
    return [EVERYTHING]


def _is_whole(question: Question) -> bool:
    return question.whole if isinstance(question, Unfinished) else not isinstance(question, Changed)
