"""Requests for lists of tasks: as many tasks as the server serves at once, and what its refusals mean."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pyrus_etl.client.client import Client
from pyrus_etl.client.meaning import Again, Failure, Refused, Unreadable, not_available
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import FeedRefused, ListRefused, PyrusUnreachable
from pyrus_etl.extract.sizes import TRIES, Sizes

log = logging.getLogger(__name__)
T = TypeVar("T")

TOO_MANY = ("items_count_out_of_range", "too_large_request_length", "limit_exceeded")
"""The codes of a refusal that fewer tasks may avoid."""


class Lister:
    """Asks for lists. They come from an index that may lag, so they are slow requests: see `client.Request`.

    `is_serving` raises if the whole server is failing.
    """

    def __init__(self, client: Client, is_serving: Callable[[], Awaitable[object]]) -> None:
        self._client = client
        self._is_serving = is_serving

    async def list(self, request: Request[tuple[T, int]], most: int, sizes: Sizes) -> T:
        """Asks for a list of `most` tasks.

        Raises FeedRefused if the account may not read it, ListRefused if its size may be why the server fails, and
        PyrusUnreachable.
        """
        may_shrink = most > 1 and most > sizes.answered
        outcome = await self._client.ask(request._replace(is_slow=True, tries=TRIES if may_shrink else None))
        match outcome:
            case Answer(value=(listed, unreadable)):
                if unreadable:
                    log.warning("%s: %d values or entries could not be read", request, unreadable)
                answer: T = listed
                return answer
            case Refused(api_error=api_error) if api_error.code in TOO_MANY and most > 1:
                raise ListRefused(str(unreachable(request, outcome)), certain=True)
            case Again() if may_shrink:
                await self._is_serving()
                raise ListRefused(str(unreachable(request, outcome)), certain=False)
            case Again() | Unreadable() | Refused(is_redirect=True):
                raise unreachable(request, outcome)
        raise FeedRefused(f"{request}: {outcome}")


def unreachable(request: object, failure: Failure | Answer[object]) -> PyrusUnreachable:
    match failure:
        case Again(body=None):
            return PyrusUnreachable(not_available(request, failure))
        case _:
            return PyrusUnreachable(f"{request} does not answer as Pyrus does ({failure}); check PYRUS_URL.")
