"""A scripted API v4: registers and lists that filter, sort and cap as Pyrus does, and what a source reads of them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from pyrus_etl.extract.pages import Page, Question
from pyrus_etl.extract.v4.api import ApiV4, client_for
from pyrus_etl.model.stream import TASKS
from pyrus_etl.settings import Settings
from tests.conftest import loaded
from tests.scripted import Asked, Reply, Scripted, scripted

T = TypeVar("T")
Row = dict[str, Any]

REFUSED = Reply(403, b'{"error_code": "access_denied_form", "error": "No."}')


def row(number: int, second: int = 0, **more: Any) -> Row:
    """A task in a register or list, last changed at this second of a minute."""
    date = f"2026-03-01T12:00:{second:02}Z"
    return {"id": number, "create_date": date, "last_modified_date": date, **more}


def rows(count: int, first: int = 1) -> list[Row]:
    return [row(number) for number in range(first, first + count)]


@dataclass(frozen=True)
class World:
    """What the server serves: form or list → its tasks; those in `closed` are closed.

    `cap`: the most tasks in an answer. `others`: path → answer.
    """

    forms: Mapping[int, Sequence[Row]] = field(default_factory=dict)
    lists: Mapping[int, Sequence[Row]] = field(default_factory=dict)
    closed: frozenset[int] = frozenset()
    cap: int = 1_000_000
    others: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply:
        url = urlsplit(asked.path)
        path = url.path.removeprefix("/api/v4")
        answer = self.others.get(path)
        if answer is None:
            answer = self._answer(path, asked, {name: values[0] for name, values in parse_qs(url.query).items()})
        return answer if isinstance(answer, Reply) else Reply(200, json.dumps(answer).encode())

    def _answer(self, path: str, asked: Asked, query: dict[str, str]) -> Any:
        match path.split("/")[1:]:
            case ["profile"]:
                return {"person_id": 7}
            case ["forms"]:
                return {"forms": [{"id": form, "name": f"F{form}", "fields": [{"id": 5}]} for form in self.forms]}
            case ["lists"]:
                return {"lists": [{"id": each} for each in self.lists]}
            case ["forms", form, "register"]:
                return _without_empty({"tasks": self._register(int(form), json.loads(asked.body))})
            case ["lists", each, "tasks"]:
                return self._list(int(each), query)
        return Reply(404, b'{"error_code": "not_found", "error": "No."}')

    def _register(self, form: int, wanted: dict[str, Any]) -> list[Row]:
        after = int(wanted.get("id", "gt0")[2:])
        found = [
            each
            for each in self.forms[form]
            if each["id"] > after
            and ("include_archived" in wanted or each["id"] not in self.closed)
            and each["last_modified_date"] >= wanted.get("modified_after", "")
        ]
        return found[: min(self.cap, wanted["item_count"])]

    def _list(self, number: int, query: dict[str, str]) -> Any:
        found = [each for each in self.lists[number] if _is_within(each, query)]
        most = min(self.cap, int(query["item_count"]))
        return _without_empty({"tasks": found[-most:]}) | {"has_more": len(found) > most}


def _is_within(task: Row, query: dict[str, str]) -> bool:
    names = {"modified": "last_modified_date", "created": "create_date"}
    return all(
        query.get(f"{name}_after", "") <= task[date] <= query.get(f"{name}_before", "a") for name, date in names.items()
    )


def _without_empty(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if value}


@contextmanager
def serving(script: Callable[[Asked], Reply], **environment: str) -> Iterator[tuple[Scripted, Settings]]:
    """The server, and settings with a token for it."""
    with scripted(script) as server:
        given = {"PYRUS_URL": server.url, "PYRUS_ACCESS_TOKEN": "token", "PYRUS_ETL_HYBRID": "off", **environment}
        yield server, loaded(given)


def using(settings: Settings, use: Callable[[ApiV4], Awaitable[T]], most_requests: int | None = None) -> T:
    """Uses a source as a run does, with `most_requests` at most."""

    async def used() -> T:
        async with client_for(settings, most_requests) as client:
            return await use(ApiV4(client))

    return asyncio.run(used())


def asked_for(world: Callable[[Asked], Reply], *questions: Question, **environment: str) -> tuple[list[Page], Scripted]:
    """The pages of the answers to questions about tasks, asked one after the other, and the server."""

    async def ask(source: ApiV4) -> list[Page]:
        pages = [page for question in questions async for page in source.pages(TASKS, question)]
        return [page._replace(items=list(page.items)) for page in pages]

    with serving(world, **environment) as (server, settings):
        return using(settings, ask), server


def ids(pages: Sequence[Page]) -> list[int]:
    return sorted(item.id for page in pages for item in page.items)
