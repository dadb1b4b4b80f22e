"""The vendor's endpoints (https://pyrus.com/en/api-v3) and their answers, without injected faults."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from pyrus_etl.sandbox.answers import Answer, Refused, answer, download
from pyrus_etl.sandbox.limits.journal import Journal
from pyrus_etl.sandbox.limits.options import Options
from pyrus_etl.sandbox.limits.tokens import Api, Credentials, Tokens
from pyrus_etl.sandbox.organisation.people import contacts, profile
from pyrus_etl.sandbox.tasks.comments import Comment
from pyrus_etl.sandbox.tasks.contents import sent
from pyrus_etl.sandbox.v3.lists import Lists, Search
from pyrus_etl.sandbox.v3.oauth import WebLogin
from pyrus_etl.sandbox.v3.writes import AddComment, AddForm, AddTask, new_comment, new_form, new_task, upload_ids
from pyrus_etl.sandbox.world.world import World

ROWS_AT_A_TIME = 500
DEFAULT_COUNT = 50
WRITES = {"addtask": AddTask, "addform": AddForm, "addcomment": AddComment}


class Restapi:
    """Finds the endpoint of a request and answers it."""

    refusal = staticmethod(Refused.answer)

    def __init__(self, world: World, lists: Lists, tokens: Tokens, journal: Journal) -> None:
        self.world = world
        self.lists = lists
        self.tokens = tokens
        self.journal = journal
        self.web_login = WebLogin(lists.options, tokens, world.clock)

    @staticmethod
    def endpoint(method: str, path: str) -> tuple[str, str]:
        """The name of the endpoint, "" if there is none, and its argument."""
        head, _, rest = path.removeprefix("/restapi/").partition("/")
        if path == "/services/attachment" and method == "GET":
            return "file", ""
        if path in ("/oauth", "/oauthtoken"):
            return (path[1:], "") if method == "POST" or path == "/oauth" else ("", "")
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
            "addtask": "PUT",
            "addform": "PUT",
            "addcomment": "PUT",
        }
        return (head, rest) if known.get(head) == method else ("", "")

    async def answer(self, endpoint: str, argument: str, request: web.BaseRequest) -> Answer:
        if endpoint in ("oauth", "oauthtoken"):
            return await self.web_login.answer(endpoint, request)
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
            case "addtask" | "addform" | "addcomment":
                return await self.written(endpoint, request, viewer)
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
        if len(upload.content) > (self.lists.options.most_bytes or len(upload.content)):
            raise Refused("BehavioralMaxContentLengthExceeded")
        added = self.world.uploads.add(upload.name, upload.content, self.world.clock.now())
        return answer({"UploadedFileId": added.id})

    async def written(self, endpoint: str, request: web.BaseRequest, viewer: int) -> Answer:
        """Carries out AddTask, AddForm or AddComment, and answers with the task."""
        given = await parameters(request, WRITES[endpoint])
        writer(self.lists.options, viewer)
        with self.world.lock:
            ordinal = self.carried_out(given, viewer)
        return Answer(self.world.body_of(ordinal, viewer))

    def carried_out(self, given: Any, viewer: int) -> int:
        """Changes the world and uses up the uploads; the ordinal of the task."""
        if isinstance(given, AddComment):
            ordinal = readable(self.world, given.task_id, viewer)
            comment = new_comment(self.world, given, self.world.kind(ordinal), viewer)
            commented(self.world, given.task_id, comment, reopens=self.lists.options.reopening)
            values = given.form_changes
        else:
            if given.parent_task_id is not None:
                readable(self.world, given.parent_task_id, viewer)
            make = new_form if isinstance(given, AddForm) else new_task
            ordinal = self.world.ordinal(self.world.add(make(self.world, given, viewer)))
            values = given.values if isinstance(given, AddForm) else None
        self.world.uploads.use(upload_ids(given, values or ()))
        return ordinal

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


def writer(options: Options, viewer: int) -> None:
    """Refuses an account that may only read."""
    if viewer in options.readers:
        raise Refused("UnspecifiedAccessDenied")


def commented(world: World, task_id: int, comment: Comment, *, reopens: bool = False) -> None:
    """Adds a comment; refused if the task is a payload that a test put in."""
    try:
        world.write(task_id, msgspec.structs.replace(comment, reopens=reopens))
    except ValueError as error:
        raise Refused("UnspecifiedAccessDenied", about=str(error)) from error


def integer(text: str, default: int | None = None) -> int:
    if not text and default is not None:
        return default
    if not text.isascii() or not text.isdecimal():
        raise Refused("BadFormatInteger")
    return int(text)


async def parameters(request: web.BaseRequest, structure: Any) -> Any:
    """The body of a request, parsed as `structure`; BadFormat, or BadFormatInteger, if it does not fit."""
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=structure)
    except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
        wrong_integer = str(unreadable).startswith("Expected `int")
        raise Refused("BadFormatInteger" if wrong_integer else "BadFormat", about=str(unreadable)) from unreadable
