"""Paymo's lists: a filter, and pages without a sign of their end."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pyrus_etl.client.client import Client
from pyrus_etl.client.request import Request
from pyrus_etl.extract.files.endless import require_end
from pyrus_etl.extract.files.refusals import ask
from pyrus_etl.extract.paymo.dialect import DIALECT

T = TypeVar("T")

PAGE_SIZE = 500


Condition = tuple[str, str, str | int | datetime]
"""A field, an operator such as `>=`, and a value."""


def where(*conditions: Condition) -> str:
    """A filter such as `task_id=7`. Filters take instants as whole seconds since 1970, unlike answers."""
    return " and ".join(f"{name}{operator}{_value(value)}" for name, operator, value in conditions)


def _value(value: str | int | datetime) -> str:
    return str(int(value.timestamp() // 1) if isinstance(value, datetime) else value)


class Lists:
    """Reads lists page by page, from page 0.

    No answer says whether it is the last. A server may cut pages below the size that is asked for, so a page as long as
    the longest seen is never taken for the last one.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._longest = 1

    async def pages(
        self, path: str, read: Callable[[bytes], list[T]], key: Callable[[T], Any], filtered: str, what: str
    ) -> AsyncIterator[list[T]]:
        """Yields the new entries of each page; `key` tells entries apart, because a server may ignore the page.

        Raises PyrusUnreachable if the list never ends.
        """
        seen: set[Any] = set()
        page = 0
        while True:
            query = {"where": filtered, "page": str(page), "page_size": str(PAGE_SIZE)}
            if not filtered:
                del query["where"]
            asked = urlencode(query, safe="=", quote_via=quote)
            found = (await ask(self._client, DIALECT, Request("GET", f"{path}?{asked}", read), what)).value
            fresh = [each for each in found if key(each) not in seen]
            seen.update(map(key, fresh))
            if fresh:
                yield fresh
            if not fresh or len(found) < self._longest:
                return
            self._longest, page = len(found), page + 1
            require_end(DIALECT, page + 1, what)
