"""The legacy restapi of Pyrus, version 3: https://pyrus.com/en/api-v3, where each path is described."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from pyrus_etl.client.client import Client
from pyrus_etl.client.decode import damage, storable
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused, Unreadable, not_available
from pyrus_etl.client.quota.waits import Announce, log_wait
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import BodyTooLarge, ListRefused, PyrusUnreachable, SettingsError, TaskRefused
from pyrus_etl.extract.files.attached import PyrusFiles
from pyrus_etl.extract.pages import Page, Question
from pyrus_etl.extract.privacy import hidden, sha256_of, without_payload
from pyrus_etl.extract.sizes import TRIES, Sizes, longest
from pyrus_etl.extract.source import Figures, Sample
from pyrus_etl.extract.v3 import pages
from pyrus_etl.extract.v3.dialect import DIALECT
from pyrus_etl.extract.v3.files import METHODS
from pyrus_etl.extract.v3.login import login
from pyrus_etl.extract.v3.read import decode
from pyrus_etl.extract.v3.stream import LongList, Sieve, read_list
from pyrus_etl.extract.v3.windows import search_sizes
from pyrus_etl.extract.v3.wire import Contacts, Profile, TaskBody, TaskList, TaskWithNotes
from pyrus_etl.extract.v3.writes import WRITES
from pyrus_etl.extract.writer import Writer
from pyrus_etl.model.body import Body, Fetched
from pyrus_etl.model.stream import PEOPLE
from pyrus_etl.model.window import EVERYTHING, Window
from pyrus_etl.settings import Settings
from pyrus_etl.settings.privacy import OPEN, Privacy

log = logging.getLogger(__name__)
T = TypeVar("T")

API = "v3"
FIRST_ASKED, GROWTH = 1000, 16


def client_for(settings: Settings, most_requests: int | None = None, announce: Announce = log_wait) -> Client:
    """A client of the restapi; raises SettingsError if the settings ask for what only v4 can do."""
    if not (settings.forms.is_everything and settings.lists.is_everything):
        raise SettingsError("PYRUS_ETL_FORMS and PYRUS_ETL_LISTS need API v4; leave them out with PYRUS_CLIENT_ID.")
    return Client(settings, DIALECT, login, most_requests, announce)


class RestApi(Figures):
    """A Source that asks through an open client."""

    directory = (PEOPLE,)
    has_feeds = False
    search_works = None

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._privacy = client.settings.privacy
        self.files = PyrusFiles(client, self, METHODS)
        self.writer = Writer(client, WRITES)
        self.search_sizes = search_sizes()
        self._sizes = {name: Sizes(FIRST_ASKED, GROWTH) for name in ("inbox", "alltasks")}

    async def profile(self) -> Profile:
        served = (await self._call(Request("GET", "/restapi/profile", _reader(_ProfileBody)))).profile
        return msgspec.structs.replace(served, organization_id=served.organization_id or None)  # none has the id 0

    async def sample(self) -> Sample:
        try:
            listed = await self.search(EVERYTHING, 10)
        except ListRefused:  # a list of one task is requested again like anything else
            listed = await self.search(EVERYTHING, 1)
        return Sample(len(listed.headers), bool(listed.has_more_tasks))

    async def access(self) -> None:
        """The restapi does not tell."""

    def pages(self, stream: str, question: Question) -> AsyncIterator[Page]:
        return pages.pages(self, stream, question)

    async def contacts(self) -> Contacts:
        request = Request("GET", "/restapi/contacts", _reader(Contacts, self._privacy))
        outcome = await self._client.ask(request)
        if isinstance(outcome, Denied):
            log.warning("no access to the contacts, so persons are known from tasks only: %s", outcome)
            return Contacts()
        return _content(request, outcome)

    async def inbox(self) -> LongList:
        listed = await self._whole_list("inbox")
        if listed.has_more_tasks:  # it has no period to narrow
            log.warning("the inbox has more tasks than the %d that Pyrus lists", len(listed.headers))
        return listed

    async def all_tasks(self) -> LongList:
        return await self._whole_list("alltasks")

    async def search(self, window: Window, most: int) -> TaskList:
        # "SearchTasks" on https://pyrus.com/en/api-v3
        criteria: dict[str, Any] = {"IncludeClosedTasks": True, "MaximumItemsCount": most}
        if window.start is not None:
            criteria["ActiveFrom"] = f"/Date({window.start * 1000})/"
        if window.end is not None:
            criteria["ActiveTo"] = f"/Date({window.end * 1000 + 999})/"
        request = Request("POST", "/restapi/searchtasks", read_list, criteria)
        return await self._list(request, most, self.search_sizes)

    async def task(self, task_id: int) -> Fetched:
        fetched_at = datetime.now(UTC)
        try:
            outcome = await self._client.ask(Request("GET", f"/restapi/v3/task/{task_id}", self._read_task))
        except BodyTooLarge as error:
            raise TaskRefused(f"task {task_id}: {error}", stage="fetch") from error
        if not isinstance(outcome, Answer):
            if isinstance(outcome, Again | Refused):
                await self.profile()  # raises if the whole server is failing, not only this task
            raise without_payload(_task_refused(task_id, outcome), self._privacy)
        body, task, unreadable = outcome.value
        if task.id != task_id:
            raise TaskRefused(f"task {task_id}: the answer is task {task.id}", stage="decode", payload=body)
        return Fetched(
            task, Body(body, sha256_of(body, outcome.sha256, self._privacy), fetched_at, API), outcome.date, unreadable
        )

    def _read_task(self, body: bytes) -> tuple[bytes, TaskWithNotes, int]:
        """Reads a task; also returns the body as it can be stored, and the number of unreadable values."""
        stored = storable(body)
        kept = hidden(stored, self._privacy)
        read, unreadable = decode(kept, TaskBody)
        return kept, read.task_with_notes, unreadable + damage(body, stored)

    async def _whole_list(self, name: str) -> LongList:
        sizes = self._sizes[name]

        async def ask(most: int) -> LongList:
            sieve = Sieve(most)
            request = Request("GET", f"/restapi/{name}/{most}", sieve.read, sieve=sieve)
            return await self._list(request, most, sizes)

        return await _whole(ask, sizes)

    async def _list(self, request: Request[tuple[T, int]], most: int, sizes: Sizes) -> T:
        """Asks for a list of `most` tasks; raises ListRefused if its size may be why the server fails."""
        if most <= sizes.answered or most == 1:
            return await self._call(request)
        outcome = await self._client.ask(request._replace(tries=TRIES))
        match outcome:
            case Refused(is_redirect=False):
                raise ListRefused(str(_unreachable(request, outcome)), certain=True)
            case Again():
                await self.profile()  # raises if the server is failing, whatever the size
                raise ListRefused(str(_unreachable(request, outcome)), certain=False)
        return _content(request, outcome)

    async def _call(self, request: Request[tuple[T, int]]) -> T:
        return _content(request, await self._client.ask(request))


def _content(request: Request[tuple[T, int]], outcome: Answer[tuple[T, int]] | Failure) -> T:
    """The content of an answer that the run cannot do without; raises PyrusUnreachable if there is none."""
    if not isinstance(outcome, Answer):
        raise _unreachable(request, outcome)
    content: T
    content, unreadable = outcome.value
    if unreadable:
        log.warning("%s: %d values or entries could not be read", request, unreadable)
    return content


def _unreachable(request: Request[Any], failure: Failure) -> PyrusUnreachable:
    match failure:
        case Again(body=None):
            return PyrusUnreachable(not_available(request, failure))
        case Denied(status=403):
            return PyrusUnreachable(f"Pyrus refuses {request} ({failure}); check what this account may do.")
        case _:
            return PyrusUnreachable(f"{request} does not answer as Pyrus does ({failure}); check PYRUS_URL.")


def _task_refused(task_id: int, failure: Failure) -> TaskRefused:
    match failure:
        case Denied():
            return TaskRefused(f"Pyrus refuses task {task_id}: {failure}", stage="fetch", denied=True)
        case Unreadable(body=body):
            return TaskRefused(f"task {task_id}: {failure}", stage="decode", payload=body)
        case Again(body=bytes(body)):
            return TaskRefused(f"task {task_id}: {failure}", stage="decode", payload=body, odd=True)
        case _:
            return TaskRefused(f"task {task_id}: {failure}", stage="fetch", odd=True)


async def _whole(ask: Callable[[int], Awaitable[LongList]], sizes: Sizes) -> LongList:
    """Asks for longer and longer lists until one is complete or none is longer."""
    answer = await longest(ask, sizes, exact=True)
    if answer.has_more_tasks:
        log.info("Pyrus ends a list at %d tasks although all were asked for", len(answer.headers))
    return answer


class _ProfileBody(msgspec.Struct, rename="pascal"):
    profile: Profile


def _reader(kind: type[T], privacy: Privacy = OPEN) -> Callable[[bytes], tuple[T, int]]:
    def read(body: bytes) -> tuple[T, int]:
        stored = storable(body)
        value, unreadable = decode(hidden(stored, privacy), kind)
        return value, unreadable + damage(body, stored)

    return read
