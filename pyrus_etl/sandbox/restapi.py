"""The vendor's endpoints (https://pyrus.com/en/api-v3) and their answers, without injected faults."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
from aiohttp import web

from .answers import Answer, Refused, answer, download
from .contents import sent
from .journal import Journal
from .lists import Lists, Search
from .people import contacts, profile
from .tokens import Api, Credentials, Tokens
from .world import World

ROWS_AT_A_TIME = 500
DEFAULT_COUNT = 50


class AddComment(msgspec.Struct, rename="pascal", forbid_unknown_fields=True):
    """AddCommentParams, as far as the sandbox carries them out; it refuses the others."""

    task_id: int
    text: str | None = None
    attachment_ids: list[str] | None = None
    activity_action: Literal["None", "Complete", "MarkAsDuplicate", "MarkAsIrrelevant", "Reopen"] = "None"


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
            "addcomment": "PUT",
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
                return await self.uploaded(request)
            case "addcomment":
                return await self.commented(request, viewer)
            case "file":
                return self.file(integer(request.query.get("Id", "")))
        raise Refused("MethodNotFound")

    def task(self, task_id: int, viewer: int) -> Answer:
        ordinal = readable(self.world, task_id, viewer)
        self.journal.served(task_id)
        return Answer(self.world.body_of(ordinal, viewer))

    def file(self, file_id: int) -> Answer:
        try:
            if not self.world.visible(self.world.owner(file_id)):
                raise KeyError(file_id)
            return download(self.world.file_name(file_id), self.world.contents(file_id))
        except KeyError:
            raise Refused("FileNotFound") from None

    async def uploaded(self, request: web.BaseRequest) -> Answer:
        upload = await sent(request, "file")
        if upload.content is None:
            raise Refused("BadFormat")
        return answer(
            {"UploadedFileId": self.world.uploads.add(upload.name, upload.content, self.world.clock.now()).id}
        )

    async def commented(self, request: web.BaseRequest, viewer: int) -> Answer:
        """Adds a comment and answers with the task, which stays as it is if nothing is said."""
        given = await parameters(request, AddComment)
        ordinal = readable(self.world, given.task_id, viewer)
        action = "" if given.activity_action == "None" else given.activity_action
        files = self.world.uploads.take(given.attachment_ids or (), once=True)
        if given.text or files or action:
            commented(
                self.world,
                given.task_id,
                viewer,
                given.text or "",
                [(one.name, one.content, None) for one in files],
                action,
            )
        return Answer(self.world.body_of(ordinal, viewer))

    async def rows(self, ordinals: list[int], more: bool) -> Answer:
        """A TaskList. Other requests are served while a long one is written."""
        written: list[bytes] = []
        for start in range(0, len(ordinals), ROWS_AT_A_TIME):
            written += [self.world.row_json(one) for one in ordinals[start : start + ROWS_AT_A_TIME]]
            await asyncio.sleep(0)
        ending = b'],"HasMoreTasks":true}' if more else b"]}"
        return Answer(b'{"Tasks":[' + b",".join(written) + ending)


def readable(world: World, task_id: int, viewer: int) -> int:
    """The ordinal of a task that the viewer can see; refused if there is none."""
    try:
        ordinal = world.ordinal(task_id)
    except KeyError:
        raise Refused("TaskNotFound") from None
    if not world.visible(ordinal, viewer):
        raise Refused("BehavioralTaskAccessViolation")
    return ordinal


def commented(
    world: World, task_id: int, viewer: int, text: str, files: list[tuple[str, bytes, int | None]], action: str
) -> None:
    """Adds a comment; refused if the task is a payload that a test put in."""
    try:
        world.comment(task_id, text, files, author=viewer, action=action)
    except ValueError as error:
        raise Refused("UnspecifiedAccessDenied", about=str(error)) from error


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
        raise Refused("BadFormat", about=str(unreadable)) from unreadable
