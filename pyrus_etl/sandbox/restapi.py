"""The vendor's endpoints (https://pyrus.com/en/api-v3) and their answers, without injected faults."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import msgspec
from aiohttp import web

from .answers import Answer, Refused, answer, download
from .journal import Journal
from .lists import Lists, Search
from .people import contacts, profile
from .tokens import Api, Credentials, Tokens
from .world import World

ROWS_AT_A_TIME = 500
DEFAULT_COUNT = 50


class Restapi:
    """Finds the endpoint of a request and answers it."""

    refusal = staticmethod(Refused.answer)

    def __init__(self, world: World, lists: Lists, tokens: Tokens, journal: Journal) -> None:
        self.world = world
        self.lists = lists
        self.tokens = tokens
        self.journal = journal

    @staticmethod
    def endpoint(method: str, path: str) -> tuple[str, str]:
        """The name of the endpoint, "" if there is none, and its argument."""
        head, _, rest = path.removeprefix("/restapi/").partition("/")
        if path == "/services/attachment" and method == "GET":
            return "file", ""
        if not path.startswith("/restapi/"):
            return "", ""
        if head == "v3" and rest.startswith("task/") and method == "GET":
            return "task", rest.removeprefix("task/")
        if head == "getaccesstoken" and method == "POST":
            return "token", ""
        known = {
            "inbox": "GET",
            "alltasks": "GET",
            "searchtasks": "POST",
            "profile": "GET",
            "contacts": "GET",
            "upload": "POST",
        }
        return (head, rest) if known.get(head) == method else ("", "")

    async def answer(self, endpoint: str, argument: str, request: web.BaseRequest) -> Answer:
        if endpoint == "token":
            return answer({"AccessToken": self.tokens.log_in(await parameters(request, Credentials))})
        api: Api = "any" if endpoint in ("task", "file") or self.lists.options.hybrid else "v3"
        viewer = self.tokens.check(request.headers.get("Authorization"), api)
        match endpoint:
            case "task":
                return self.task(integer(argument), viewer)
            case "inbox":
                return await self.rows(*self.lists.inbox(integer(argument, DEFAULT_COUNT), viewer))
            case "alltasks":
                return await self.rows(*self.lists.all_tasks(integer(argument, DEFAULT_COUNT), viewer))
            case "searchtasks":
                return await self.rows(*self.lists.search(await parameters(request, Search), viewer))
            case "profile":
                return answer(profile(viewer))
            case "contacts":
                return answer(contacts())
            case "upload":
                return await uploaded(request)
            case "file":
                return self.file(integer(request.query.get("Id", "")))
        raise Refused("MethodNotFound")

    def task(self, task_id: int, viewer: int) -> Answer:
        try:
            ordinal = self.world.ordinal(task_id)
        except KeyError:
            raise Refused("TaskNotFound") from None
        if not self.world.visible(ordinal, viewer):
            raise Refused("BehavioralTaskAccessViolation")
        self.journal.served(task_id)
        return Answer(self.world.body_of(ordinal, viewer))

    def file(self, file_id: int) -> Answer:
        try:
            return download(file_id, self.world.contents(file_id))
        except KeyError:
            raise Refused("FileNotFound") from None

    async def rows(self, ordinals: list[int], more: bool) -> Answer:
        """A TaskList. Other requests are served while a long one is written."""
        written: list[bytes] = []
        for start in range(0, len(ordinals), ROWS_AT_A_TIME):
            written += [self.world.row_json(one) for one in ordinals[start : start + ROWS_AT_A_TIME]]
            await asyncio.sleep(0)
        ending = b'],"HasMoreTasks":true}' if more else b"]}"
        return Answer(b'{"Tasks":[' + b",".join(written) + ending)


async def uploaded(request: web.BaseRequest) -> Answer:
    """The answer to an upload. What was uploaded is forgotten, as no task ever refers to it."""
    sent = [part for part in (await request.post()).values() if isinstance(part, web.FileField)]
    if not sent:
        raise Refused("BadFormat")
    return answer({"UploadedFileId": hashlib.sha256(sent[0].file.read()).hexdigest()})


def integer(text: str, default: int | None = None) -> int:
    if not text and default is not None:
        return default
    if not text.isascii() or not text.isdecimal():
        raise Refused("BadFormatInteger")
    return int(text)


async def parameters(request: web.BaseRequest, structure: Any) -> Any:
    """The body of a request, parsed as `structure`; BadFormat if it does not fit."""
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=structure)
    except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
        raise Refused("BadFormat") from unreadable
