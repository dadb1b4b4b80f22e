"""An account at Pyrus as a sync sees it, whichever API answers."""

from collections.abc import AsyncIterator, Callable, Collection
from typing import NamedTuple, Protocol

from pyrus_etl.client.client import Client
from pyrus_etl.client.clock import Clocks
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.extract.pages import Page, Question
from pyrus_etl.extract.writer import Writer
from pyrus_etl.model.access import Access
from pyrus_etl.model.body import Fetched
from pyrus_etl.model.person import Profile


class Sample(NamedTuple):
    """The number of tasks in a short list, and whether there are more."""

    tasks: int
    has_more: bool


class Source(Protocol):
    """An account at Pyrus.

    Every call raises LoginRefused or PyrusUnreachable if the run cannot go on. `start` is the start of the run by both
    clocks: the earliest date of any answer so far. `has_feeds`: whether it answers `FirstRows`, and not `Unfinished`.
    Such lists lag behind: they may show a task as it was before a body that is stored, or not show it yet.
    """

    @property
    def has_feeds(self) -> bool: ...

    @property
    def files(self) -> FileService:
        """The files of the account."""
        ...

    @property
    def writer(self) -> Writer | None:
        """Writes tasks and comments; None if the account has none."""
        ...

    @property
    def directory(self) -> Collection[str]:
        """The streams that it has besides tasks and the inbox."""
        ...

    @property
    def search_works(self) -> bool | None:
        """Whether the search of another API answers; None if it was not tried."""
        ...

    @property
    def requests(self) -> int: ...

    @property
    def retries(self) -> int: ...

    @property
    def start(self) -> Clocks: ...

    async def profile(self) -> Profile: ...

    async def sample(self) -> Sample:
        """Asks for a short list of tasks, to see whether lists are served."""
        ...

    async def access(self) -> Access | None:
        """What the account may see; None if its API does not tell. It asks for each form, so only `check` asks."""
        ...

    def pages(self, stream: str, question: Question) -> AsyncIterator[Page]:
        """Lists a stream page by page; a page is asked for when the one before has been taken.

        Tasks are listed in no order, and perhaps more than once; the inbox is one page, in its order. `FirstRows` gets
        partial tasks, with `is_closed` given, every other question task headers. An error ends the pages: what was
        listed is right, but not complete. A feed that is refused is a page of its own, and no error.
        """
        ...

    async def task(self, task_id: int) -> Fetched:
        """One task; raises TaskRefused if it cannot be fetched or read."""
        ...


class Figures:
    """The figures of a Source, which its client keeps."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def requests(self) -> int:
        return self._client.requests

    @property
    def retries(self) -> int:
        return self._client.retries

    @property
    def start(self) -> Clocks:
        return self._client.start


class AccountAccess(NamedTuple):
    """How a run gets to its account.

    `client`: makes a client, with the most requests that it may send and a function that announces waits. `open`: the
    account that the client logs in as. `login`: under which the runs of the account share its quota; None if unknown.
    `api`: which generation it asks. `name`: of the account, if the settings name several.
    """

    client: Callable[..., Client]
    open: Callable[[Client], Source]
    login: str | None
    api: str | None = None
    name: str | None = None
