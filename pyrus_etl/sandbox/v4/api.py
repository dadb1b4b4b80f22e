"""The endpoints of API v4 (https://pyrus.com/en/help/api) and their answers, without injected faults."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from pyrus_etl.sandbox.answers import Answer, Refused, answer, download
from pyrus_etl.sandbox.limits.journal import Journal
from pyrus_etl.sandbox.limits.options import Options
from pyrus_etl.sandbox.limits.tokens import CredentialsV4, Tokens
from pyrus_etl.sandbox.tasks.contents import sent
from pyrus_etl.sandbox.v3.api import commented, parameters, readable, writer
from pyrus_etl.sandbox.v4 import people, tree
from pyrus_etl.sandbox.v4.archive import Seen
from pyrus_etl.sandbox.v4.attached import guids
from pyrus_etl.sandbox.v4.errors import refusal
from pyrus_etl.sandbox.v4.feeds import Feeds
from pyrus_etl.sandbox.v4.parameters import Parameters, of_request
from pyrus_etl.sandbox.v4.rows import only
from pyrus_etl.sandbox.v4.writes import AddComment, CreateTask, new_comment, new_task, upload_ids
from pyrus_etl.sandbox.world.world import World

ROWS_AT_A_TIME = 500
BASES = ("/api/v4/", "/v4/")
ROUTES = (
    ("token", "auth", ("GET", "POST")),
    ("profile", "profile", ("GET",)),
    ("contacts", "contacts", ("GET",)),
    ("forms", "forms", ("GET",)),
    ("form", r"forms/(\d+)", ("GET",)),
    ("register", r"forms/(\d+)/register", ("GET", "POST")),
    ("task", r"tasks/(-?\d+)", ("GET",)),
    ("tasks", "tasks", ("POST",)),
    ("comments", r"tasks/(-?\d+)/comments", ("POST",)),
    ("lists", "lists", ("GET",)),
    ("list", r"lists/(\d+)", ("GET",)),
    ("listtasks", r"lists/(\d+)/tasks", ("GET", "POST")),
    ("inbox", "inbox", ("GET",)),
    ("permissions", r"forms/(\d+)/permissions", ("GET",)),
    ("catalogs", "catalogs", ("GET",)),
    ("catalog", r"catalogs/(\d+)", ("GET",)),
    ("members", "members", ("GET",)),
    ("member", r"members/(\d+)", ("GET",)),
    ("roles", "roles", ("GET",)),
    ("role", r"roles/(\d+)", ("GET",)),
    ("bots", "bots", ("GET",)),
    ("orgchart", "orgchart", ("GET",)),
    ("file", r"files/download/(\d+)", ("GET",)),
    ("upload", "files/upload", ("POST",)),
)

COMPILED = tuple((name, re.compile(pattern), methods) for name, pattern, methods in ROUTES)
INDEXED = ("register", "listtasks")
WRITES = {"tasks": CreateTask, "comments": AddComment}


class ApiV4:
    """Finds the endpoint of a request and answers it."""

    refusal = staticmethod(refusal)

    def __init__(self, world: World, options: Options, tokens: Tokens, journal: Journal) -> None:
        self.world = world
        self.options = options
        self.feeds = Feeds(world, options)
        self.tokens = tokens
        self.journal = journal

    @staticmethod
    def owns(path: str) -> bool:
        return path.startswith((*BASES, "/files/"))

    @staticmethod
    def endpoint(method: str, path: str) -> tuple[str, str]:
        """The name of the endpoint, "" if there is none, and its argument."""
        rest = path.removeprefix("/api").removeprefix("/v4").strip("/")
        if path == "/services/attachment":
            return "file", ""
        for name, pattern, methods in COMPILED:
            found = pattern.fullmatch(rest)
            if found and method in methods:
                return name, found[1] if found.groups() else ""
        return "", ""

    async def answer(self, endpoint: str, argument: str, request: web.BaseRequest) -> Answer:
        given = Parameters({}) if endpoint in ("upload", *WRITES) else await of_request(request)
        if endpoint == "token":
            return self.log_in(given, request)
        viewer = self.tokens.check(request.headers.get("Authorization"), "v4")
        if endpoint in INDEXED:
            await asyncio.sleep(self.options.index_seconds)
        match endpoint:
            case "task":
                return self.task(int(argument), viewer)
            case "register":
                return await self.register(int(argument), given, viewer)
            case "listtasks":
                return await self.headers(*self.feeds.list_tasks(self.known_list(argument), given, viewer))
            case "inbox":
                return await self.headers(*self.feeds.inbox(given, viewer))
            case "file":
                return self.file(argument or given.text("Id") or given.text("id") or "", viewer)
            case "upload":
                return await self.uploaded(request)
            case "tasks" | "comments":
                return await self.written(argument, await parameters(request, WRITES[endpoint]), viewer)
        return answer(self.about(endpoint, argument, given, viewer))

    def about(self, endpoint: str, argument: str, given: Parameters, viewer: int) -> Any:
        """The answers about the organisation, apart from its tasks."""
        directory = self.world.v4.directory
        fired = given.yes("include_fired")
        match endpoint:
            case "profile":
                return people.profile(viewer)
            case "contacts":
                return people.contacts(with_inactive=given.yes("include_inactive"))
            case "members":
                return people.members(with_fired=fired)
            case "member":
                return known(people.member(int(argument)), "access_denied_person")
            case "roles":
                return people.roles(with_fired=fired)
            case "role":
                return known(people.role(int(argument)), "access_denied_person")
            case "bots":
                return people.bots()
            case "orgchart":
                return people.orgchart()
            case "forms":
                return {"forms": directory.forms(viewer)}
            case "form":
                return self.form(int(argument), viewer)
            case "permissions":
                self.form(int(argument), viewer)
                return {"permissions": {str(viewer): directory.permission(viewer, int(argument))}}
            case "lists":
                return tree.lists(directory.forms(viewer) if given.yes("with_forms") else [])
            case "list":
                return tree.shown(tree.LISTS[self.known_list(argument)])
            case "catalogs":
                return {"catalogs": [one.head() for one in directory.catalogs.values()]}
            case "catalog":
                catalog = known(directory.catalogs.get(int(argument)), "access_denied_catalog")
                return catalog.shown(with_deleted=given.yes("include_deleted"))
        raise Refused("MethodNotFound")

    def log_in(self, given: Parameters, request: web.BaseRequest) -> Answer:
        """A token, and the URLs to use it with: below the same path as the login."""
        login, key = given.text("login") or "", given.text("security_key") or ""
        credentials = CredentialsV4(login, key, given.integer("person_id", 0) or None)
        token: dict[str, str] = {"access_token": self.tokens.log_in_v4(credentials)}
        return answer(token | self.urls(request.path) if self.options.login_urls else token)

    def urls(self, path: str) -> dict[str, str]:
        """The URLs of the API and of the files."""
        base, origin = "/api/v4/" if path.startswith("/api/") else "/v4/", self.world.origin
        return {"api_url": origin + base, "files_url": f"{self.world.files_origin or origin}/"}

    def task(self, task_id: int, viewer: int) -> Answer:
        ordinal = readable(self.world, task_id, viewer)
        self.journal.served(task_id)
        return Answer(self.world.v4.body_of(ordinal, viewer))

    def file(self, argument: str, viewer: int) -> Answer:
        """The contents of a file: 400 if none has this id, 403 if its task may not be read, 410 if that is deleted."""
        try:
            file_id = int(argument) if argument.isdecimal() else -1
            ordinal = self.world.owner(file_id)
        except KeyError:
            raise Refused("FileNotFound") from None
        if not self.world.exists(ordinal):
            raise Refused("file_is_missing")
        if not self.world.visible(ordinal, viewer):
            raise Refused("access_denied_file")
        return download(self.world.file_name(file_id), self.world.contents(file_id))

    async def uploaded(self, request: web.BaseRequest) -> Answer:
        upload = await sent(request, "file")
        if not upload.content:
            raise Refused("no_file_in_request" if upload.content is None else "empty_file")
        if len(upload.content) > (self.options.most_bytes or len(upload.content)):
            raise Refused("attachment_too_big")
        added = self.world.uploads.add(upload.name, upload.content, self.world.clock.now())
        return answer({"guid": str(UUID(added.id)), "md5_hash": added.md5})

    async def written(self, argument: str, given: CreateTask | AddComment, viewer: int) -> Answer:
        """Creates a task or adds a comment, and answers with the task."""
        writer(self.options, viewer)
        ids = [one.replace("-", "") for one in guids(given.attachments)]
        if len(set(ids)) < len(ids) and not self.options.reusable_uploads:
            raise Refused("unrecognized_attachment_id")
        with self.world.lock:
            ordinal = self.carried_out(argument, given, viewer)
            if not self.options.reusable_uploads:
                self.world.uploads.use(upload_ids(given))
        return Answer(self.world.v4.body_of(ordinal, viewer))

    def carried_out(self, argument: str, given: CreateTask | AddComment, viewer: int) -> int:
        """Changes the world; the ordinal of the task."""
        if isinstance(given, AddComment):
            ordinal = readable(self.world, int(argument), viewer)
            comment = new_comment(self.world, ordinal, given, viewer)
            reopens = self.options.reopening and not given.skip_auto_reopen
            commented(self.world, int(argument), comment, reopens=reopens)
            return ordinal
        if given.parent_task_id is not None:
            readable(self.world, given.parent_task_id, viewer)
        return self.world.ordinal(self.world.add(new_task(self.world, given, viewer)))

    def form(self, form_id: int, viewer: int) -> Any:
        return known(self.world.v4.directory.form(form_id, viewer), "access_denied_form")

    def known_list(self, argument: str) -> int:
        """The id of a list that exists."""
        if int(argument) not in tree.LISTS:
            raise Refused("access_denied_project")
        return int(argument)

    async def register(self, form_id: int, given: Parameters, viewer: int) -> Answer:
        """The rows of a form; `{}` if there are none, as empty arrays are left out."""
        self.form(form_id, viewer)
        if self.world.v4.directory.level(viewer, form_id) == "refused":
            raise Refused("access_denied_form")
        found = self.feeds.register(form_id, given, viewer)
        fields = given.integers("field_ids")
        rows: list[bytes] = []
        for start in range(0, len(found), ROWS_AT_A_TIME):
            rows += [self.row(seen, fields) for seen in found[start : start + ROWS_AT_A_TIME]]
            await asyncio.sleep(0)
        return Answer(b'{"tasks":[' + b",".join(rows) + b"]}" if rows else b"{}")

    def row(self, seen: Seen, fields: set[int] | None) -> bytes:
        written = self.world.v4.row_json(seen)
        return written if fields is None else only(written, fields)

    async def headers(self, found: list[Seen], more: bool) -> Answer:
        """The headers of tasks; without any, the key is left out."""
        shown = [msgspec.Raw(self.world.v4.header_json(seen)) for seen in found]
        return answer(({"tasks": shown} if shown else {}) | {"has_more": more})


def known(found: Any, code: str) -> Any:
    """What was found; refused with this code if there is nothing."""
    if found is None:
        raise Refused(code)
    return found
