"""The legacy restapi of Pyrus, version 3: https://pyrus.com/en/api-v3."""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from pyrus_etl.errors import BodyTooLarge, PyrusUnreachable, TaskRefused
from pyrus_etl.extract.answer import AccessDenied, Again, Refused
from pyrus_etl.extract.decode import decode, storable
from pyrus_etl.extract.http import Http
from pyrus_etl.extract.source import Fetched
from pyrus_etl.extract.windows import Window
from pyrus_etl.model.person import Contacts, Profile
from pyrus_etl.model.task import TaskList, TaskWithNotes

log = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_ASKED, MOST_ASKED = 1000, 64_000
MOST_FAILED_IN_A_ROW = 30


class RestApi:
    """A Source over an open Http."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._failed_in_a_row = 0

    @property
    def requests(self) -> int:
        return self._http.requests

    @property
    def retries(self) -> int:
        return self._http.retries

    @property
    def server_time(self) -> datetime:
        return self._http.server_time

    async def profile(self) -> Profile:
        return (await self._call("GET", "/restapi/profile", _ProfileBody)).profile

    async def contacts(self) -> Contacts:
        try:
            return await self._call("GET", "/restapi/contacts", Contacts)
        except PyrusUnreachable as error:
            if not isinstance(error.__cause__, AccessDenied):
                raise
            log.warning("the contacts may not be read, persons are known from tasks only: %s", error.__cause__)
            return Contacts()

    async def inbox(self) -> TaskList:
        return await _whole(lambda most: self._list("GET", f"/restapi/inbox/{most}"))

    async def all_tasks(self) -> TaskList:
        return await _whole(lambda most: self._list("GET", f"/restapi/alltasks/{most}"))

    async def search(self, window: Window, most: int) -> TaskList:
        asked: dict[str, Any] = {"IncludeClosedTasks": True, "MaximumItemsCount": most}
        if window.start is not None:
            asked["ActiveFrom"] = f"/Date({window.start * 1000})/"
        if window.end is not None:
            asked["ActiveTo"] = f"/Date({window.end * 1000 + 999})/"
        return await self._list("POST", "/restapi/searchtasks", asked)

    async def task(self, task_id: int) -> Fetched:
        fetched_at = datetime.now(UTC)
        try:
            body, task, unreadable = await self._http.call("GET", f"/restapi/v3/task/{task_id}", _read_task)
        except BodyTooLarge as error:
            raise TaskRefused(f"task {task_id}: {error}", stage="fetch") from error
        except AccessDenied as error:
            raise TaskRefused(f"Pyrus refuses task {task_id}: {error}", stage="fetch", denied=True) from error
        except (Again, Refused) as error:
            await self._alive(error)
            payload = getattr(error, "body", None)
            stage = "fetch" if payload is None else "decode"
            raise TaskRefused(f"task {task_id}: {error}", stage=stage, payload=payload) from error
        except _Unreadable as error:
            raise TaskRefused(f"task {task_id}: {error}", stage="decode", payload=error.body) from error
        self._failed_in_a_row = 0
        if task.id != task_id:
            raise TaskRefused(f"task {task_id}: the answer is task {task.id}", stage="decode", payload=body)
        return Fetched(task, storable(body), hashlib.sha256(body).hexdigest(), fetched_at, unreadable)

    async def _alive(self, error: Exception) -> None:
        """Tells one bad task from a bad server: raises PyrusUnreachable where the rest fails too."""
        self._failed_in_a_row += 1
        if self._failed_in_a_row > MOST_FAILED_IN_A_ROW:
            raise PyrusUnreachable(
                f"{self._failed_in_a_row} tasks in a row kept failing, last with: {error}."
            ) from error
        await self.profile()

    async def _list(self, method: str, path: str, asked: Any = None) -> TaskList:
        """A list of tasks; a date in it may be unreadable, but nothing else: what seems empty has to be empty."""
        return await self._call(method, path, TaskList, asked, expendable="ModifiedDate")

    async def _call(self, method: str, path: str, kind: type[T], asked: Any = None, expendable: str | None = None) -> T:
        try:
            read, unreadable = await self._http.call(
                method, path, lambda body: decode(storable(body), kind, expendable), asked
            )
        except (Again, Refused, msgspec.ValidationError) as error:
            raise PyrusUnreachable(f"{method} {path} does not answer as Pyrus does: {error}.") from error
        if unreadable:
            log.warning("%s %s: %d values or entries could not be read", method, path, unreadable)
        return read


async def _whole(ask: Callable[[int], Awaitable[TaskList]]) -> TaskList:
    """Asks for more and more, while that brings more and the answer is not too large to be held."""
    most = FIRST_ASKED
    answer = TaskList()
    with suppress(BodyTooLarge):
        answer = await ask(most)
        while answer.has_more_tasks and most <= len(answer.headers) < MOST_ASKED:
            most *= 8
            answer = await ask(most)
    return answer


class _ProfileBody(msgspec.Struct, rename="pascal"):
    profile: Profile


class _TaskBody(msgspec.Struct, rename="pascal"):
    task_with_notes: TaskWithNotes


class _Unreadable(Exception):
    def __init__(self, reason: str, body: bytes) -> None:
        super().__init__(reason)
        self.body = body


def _read_task(body: bytes) -> tuple[bytes, TaskWithNotes, int]:
    try:
        read, unreadable = decode(storable(body), _TaskBody)
    except msgspec.ValidationError as error:
        raise _Unreadable(str(error), body) from error
    return body, read.task_with_notes, unreadable
