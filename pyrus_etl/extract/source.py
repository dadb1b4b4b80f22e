"""What a sync may ask of an API of Pyrus, whichever generation it is."""

from datetime import datetime
from typing import NamedTuple, Protocol

from pyrus_etl.client.clock import Clocks
from pyrus_etl.extract.v3.sizes import Sizes
from pyrus_etl.extract.v3.stream import LongList
from pyrus_etl.extract.v3.windows import Window
from pyrus_etl.extract.v3.wire import TaskList
from pyrus_etl.model.body import Body
from pyrus_etl.model.person import Contacts, Profile
from pyrus_etl.model.task import Task


class Fetched(NamedTuple):
    """A task in full, and the body that it was read from. `server_time`: the server's clock as it answered."""

    task: Task
    body: Body
    server_time: datetime
    unreadable: int


class Source(Protocol):
    """An account at Pyrus.

    Every call raises LoginRefused or PyrusUnreachable when it is no use to go on. `start` is the start of the run by
    both clocks: the earliest instant that an answer so far said.
    """

    @property
    def requests(self) -> int: ...

    @property
    def retries(self) -> int: ...

    @property
    def start(self) -> Clocks: ...

    @property
    def search_sizes(self) -> Sizes:
        """What the run has learned of how many tasks a search may be asked for."""
        ...

    async def profile(self) -> Profile: ...

    async def contacts(self) -> Contacts: ...

    async def inbox(self) -> LongList:
        """The inbox in its order; `has_more_tasks` where it is longer than what is asked for or given."""
        ...

    async def all_tasks(self) -> LongList:
        """What the account can see, whatever its dates; `has_more_tasks` where there is more than is asked or given."""
        ...

    async def search(self, window: Window, most: int) -> TaskList:
        """Open and closed tasks that were active in the window, at most so many, in no order."""
        ...

    async def task(self, task_id: int) -> Fetched:
        """One task; TaskRefused where this one cannot be had or read."""
        ...
