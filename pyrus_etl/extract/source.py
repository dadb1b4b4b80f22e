"""The requests that a sync can make, whichever generation of the API answers them."""

from typing import Protocol

from pyrus_etl.client.clock import Clocks
from pyrus_etl.extract.v3.sizes import Sizes
from pyrus_etl.extract.v3.stream import LongList
from pyrus_etl.extract.v3.windows import Window
from pyrus_etl.extract.v3.wire import TaskList
from pyrus_etl.model.body import Fetched
from pyrus_etl.model.person import Contacts, Profile


class Source(Protocol):
    """An account at Pyrus.

    Every call raises LoginRefused or PyrusUnreachable if the run cannot go on. `start` is the start of the run by both
    clocks: the earliest date of any answer so far.
    """

    @property
    def requests(self) -> int: ...

    @property
    def retries(self) -> int: ...

    @property
    def start(self) -> Clocks: ...

    @property
    def search_sizes(self) -> Sizes:
        """How many tasks a search may ask for, as this run has learned."""
        ...

    async def profile(self) -> Profile: ...

    async def contacts(self) -> Contacts: ...

    async def inbox(self) -> LongList:
        """The inbox in its order; `has_more_tasks` if the inbox is longer than the list."""
        ...

    async def all_tasks(self) -> LongList:
        """All tasks that the account can see, whatever their dates; `has_more_tasks` if there are more."""
        ...

    async def search(self, window: Window, most: int) -> TaskList:
        """Open and closed tasks that were active in the window, at most `most` of them, in no order."""
        ...

    async def task(self, task_id: int) -> Fetched:
        """One task; raises TaskRefused if it cannot be fetched or read."""
        ...
