"""Changes by the search of v3, if that takes the token of v4: one request in place of one for each form and list."""

import logging
import math
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from pyrus_etl.client.client import Client
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import BodyTooLarge, ListOverfull, ListRefused, PyrusUnreachable
from pyrus_etl.extract.pages import Changed
from pyrus_etl.extract.v3.stream import read_list
from pyrus_etl.extract.v3.windows import MOST_LISTED, listings
from pyrus_etl.extract.v3.wire import TaskHeader, TaskList
from pyrus_etl.model.window import Window

log = logging.getLogger(__name__)


class Search:
    """The search of v3 with the token of v4. It is tried once in a run; `works` is None until then."""

    def __init__(self, client: Client, *, may_try: bool) -> None:
        self._client = client
        self._may_try = may_try
        self.works: bool | None = None
        self._first: TaskList | None = None

    async def is_usable(self, question: Changed) -> bool:
        """Whether the search answers as v3 does; the first time, this asks for what changed."""
        if self.works is None and self._may_try and question.may_search:
            self._first = await self._tried(question.known.widened(question.period))
            self.works = self._first is not None
            log.debug("the search of v3 %s the token of v4", "takes" if self.works else "does not take")
        return self.works is True

    async def changed(self, question: Changed) -> AsyncIterator[list[TaskHeader]]:
        """The headers of the tasks that changed in the period, in parts; raises PyrusUnreachable.

        If it does not list all of them, `works` is false in the end, and they have to be listed in another way.
        Their dates are in whole seconds, as those of v4: a fraction would make each body look older than its task.
        """
        missing = dict(question.known.dates)
        try:
            async for listing in listings(self._search, [question.known.widened(question.period)]):
                tasks = [_in_whole_seconds(task) for task in listing.tasks]
                for task in tasks:
                    if task.modified_date is None or task.modified_date.timestamp() >= missing.get(task.id, math.inf):
                        missing.pop(task.id, None)
                yield tasks
        except (ListRefused, ListOverfull) as error:
            self._give_up(str(error))
        else:
            if missing:
                self._give_up(f"it does not list task {min(missing)} under the date of its last change")

    def _give_up(self, reason: str) -> None:
        log.warning("the search of v3 is not used for a day, but registers and lists are, because: %s", reason)
        self.works = False

    async def _search(self, window: Window, most: int) -> TaskList:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        outcome = await self._client.ask(self._request(window, most))
        if not isinstance(outcome, Answer):
            raise ListRefused(f"the search of v3 no longer answers: {outcome}", certain=False)
        listed: TaskList = outcome.value[0]
        return listed

    async def _tried(self, period: Window) -> TaskList | None:
        """The answer of the one try; None if it is not that of v3. A failure here is not an error."""
        try:
            outcome = await self._client.ask(self._request(period, MOST_LISTED, proof)._replace(tries=1))
        except (PyrusUnreachable, BodyTooLarge):
            return None
        return outcome.value[0] if isinstance(outcome, Answer) else None

    def _request(self, window: Window, most: int, read: Any = read_list) -> Request[tuple[TaskList, int]]:
        # "SearchTasks" on https://pyrus.com/en/api-v3
        criteria: dict[str, Any] = {"IncludeClosedTasks": True, "MaximumItemsCount": most}
        if window.start is not None:
            criteria["ActiveFrom"] = f"/Date({window.start * 1000})/"
        if window.end is not None:
            criteria["ActiveTo"] = f"/Date({window.end * 1000 + 999})/"
        address = f"{self._client.settings.url}/restapi/searchtasks"
        return Request("POST", address, read, criteria, is_slow=True, may_renew=self.works is True)


def _in_whole_seconds(task: TaskHeader) -> TaskHeader:
    date = task.modified_date
    return task if date is None else msgspec.structs.replace(task, modified_date=date.replace(microsecond=0))


def proof(body: bytes) -> tuple[TaskList, int]:
    """Reads a list. An empty object proves nothing, because a server may answer it to anything."""
    if b'"Tasks"' not in body and b'"HasMoreTasks"' not in body:
        raise msgspec.ValidationError("not a list of v3")
    return read_list(body)
