"""The legacy restapi of Pyrus, version 3: https://pyrus.com/en/api-v3, where each path is described."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from pyrus_etl.client.client import Client, Request
from pyrus_etl.client.clock import Clocks
from pyrus_etl.client.decode import damage, storable
from pyrus_etl.client.meaning import AccessDenied, Again, Redirected, Refused, Unreadable
from pyrus_etl.errors import BodyTooLarge, ListRefused, PyrusUnreachable, TaskRefused
from pyrus_etl.extract.source import Fetched
from pyrus_etl.extract.v3.read import decode
from pyrus_etl.extract.v3.sizes import TRIES, Sizes, longest
from pyrus_etl.extract.v3.stream import LongList, Sieve, read_list
from pyrus_etl.extract.v3.windows import Window, search_sizes
from pyrus_etl.extract.v3.wire import Contacts, Profile, TaskList, TaskWithNotes
from pyrus_etl.model.body import Body
from pyrus_etl.model.task import Task

log = logging.getLogger(__name__)
T = TypeVar("T")

API = "v3"
FIRST_ASKED, GROWTH = 1000, 16


class RestApi:
    """A Source that asks through an open Client."""

    def __init__(self, http: Client) -> None:
        self._http = http
        self.search_sizes = search_sizes()
        self._sizes = {name: Sizes(FIRST_ASKED, GROWTH) for name in ("inbox", "alltasks")}

    @property
    def requests(self) -> int:
        return self._http.requests

    @property
    def retries(self) -> int:
        return self._http.retries

    @property
    def start(self) -> Clocks:
        return self._http.start

    async def profile(self) -> Profile:
        return (await self._call(Request("GET", "/restapi/profile", _reader(_ProfileBody)))).profile

    async def contacts(self) -> Contacts:
        try:
            return await self._call(Request("GET", "/restapi/contacts", _reader(Contacts)))
        except PyrusUnreachable as error:
            if not isinstance(error.__cause__, AccessDenied):
                raise
            log.warning("no access to the contacts, so persons are known from tasks only: %s", error.__cause__)
            return Contacts()

    async def inbox(self) -> LongList:
        return await self._whole_list("inbox")

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
            answer = await self._http.dated(Request("GET", f"/restapi/v3/task/{task_id}", _read_task))
            body, task, unreadable = answer.value
        except BodyTooLarge as error:
            raise TaskRefused(f"task {task_id}: {error}", stage="fetch") from error
        except AccessDenied as error:
            raise TaskRefused(f"Pyrus refuses task {task_id}: {error}", stage="fetch", denied=True) from error
        except (Again, Refused) as error:
            await self.profile()  # raises if the whole server is failing, not only this task
            payload = getattr(error, "body", None)
            stage = "fetch" if payload is None else "decode"
            raise TaskRefused(f"task {task_id}: {error}", stage=stage, payload=payload, odd=True) from error
        except Unreadable as error:
            raise TaskRefused(f"task {task_id}: {error}", stage="decode", payload=error.body) from error
        if task.id != task_id:
            raise TaskRefused(f"task {task_id}: the answer is task {task.id}", stage="decode", payload=body)
        return Fetched(task, Body(body, answer.sha256, fetched_at, API), answer.date, unreadable)

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
        try:
            return await self._call(request._replace(tries=TRIES))
        except PyrusUnreachable as error:
            if isinstance(error.__cause__, AccessDenied | Redirected):
                raise
            if isinstance(error.__cause__, Refused):
                raise ListRefused(str(error), certain=True) from error
            if isinstance(error.__cause__, Again) and error.__cause__.reached:
                await self.profile()  # raises if the server is failing, whatever the size
                raise ListRefused(str(error), certain=False) from error
            raise

    async def _call(self, request: Request[tuple[T, int]]) -> T:
        try:
            read, unreadable = await self._http.call(request)
        except Again as error:
            if error.body is None:
                raise PyrusUnreachable(f"{request} is not available ({error}); try again later.") from error
            raise PyrusUnreachable(f"{request} does not answer as Pyrus does ({error}); check PYRUS_URL.") from error
        except (Refused, msgspec.ValidationError) as error:
            raise PyrusUnreachable(f"{request} does not answer as Pyrus does ({error}); check PYRUS_URL.") from error
        if unreadable:
            log.warning("%s: %d values or entries could not be read", request, unreadable)
        return read


async def _whole(ask: Callable[[int], Awaitable[LongList]], sizes: Sizes) -> LongList:
    """Asks for longer and longer lists until one is complete or none is longer."""
    answer = await longest(ask, sizes, exact=True)
    if answer.has_more_tasks:
        log.info("Pyrus lists only %d tasks although all were asked for", len(answer.headers))
    return answer


class _ProfileBody(msgspec.Struct, rename="pascal"):
    profile: Profile


class _TaskBody(msgspec.Struct, rename="pascal"):
    task_with_notes: TaskWithNotes


def _reader(kind: type[T]) -> Callable[[bytes], tuple[T, int]]:
    def read(body: bytes) -> tuple[T, int]:
        stored = storable(body)
        value, unreadable = decode(stored, kind)
        return value, unreadable + damage(body, stored)

    return read


def _read_task(body: bytes) -> tuple[bytes, TaskWithNotes, int]:
    """Reads a task; also returns the body as it can be stored, and the number of unreadable values."""
    stored = storable(body)
    try:
        read, unreadable = decode(stored, _TaskBody)
    except msgspec.ValidationError as error:
        raise Unreadable(str(error), body) from error
    return stored, read.task_with_notes, unreadable + damage(body, stored)


def read_stored(body: bytes) -> tuple[Task, int]:
    """Reads the task in a stored body; also returns the number of unreadable values. Raises msgspec.DecodeError."""
    read, unreadable = decode(body, _TaskBody)
    return read.task_with_notes, unreadable
