"""The endpoints of API v4 (https://pyrus.com/en/help/api) and their answers, without injected faults."""

from __future__ import annotations

import asyncio
import re

import msgspec
from aiohttp import web

from pyrus_etl.sandbox.answers import Answer, Refused, answer
from pyrus_etl.sandbox.journal import Journal
from pyrus_etl.sandbox.options import Options
from pyrus_etl.sandbox.tokens import CredentialsV4, Tokens
from pyrus_etl.sandbox.world import World

from . import definitions, people, tree
from .archive import Seen
from .errors import refusal
from .feeds import Feeds
from .parameters import Parameters, of_request
from .rows import only

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
    ("lists", "lists", ("GET",)),
    ("list", r"lists/(\d+)", ("GET",)),
    ("listtasks", r"lists/(\d+)/tasks", ("GET", "POST")),
    ("inbox", "inbox", ("GET",)),
)
COMPILED = tuple((name, re.compile(pattern), methods) for name, pattern, methods in ROUTES)
INDEXED = ("register", "listtasks")


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
        return path.startswith(BASES)

    @staticmethod
    def endpoint(method: str, path: str) -> tuple[str, str]:
        """The name of the endpoint, "" if there is none, and its argument."""
        rest = path.removeprefix("/api").removeprefix("/v4/").rstrip("/")
        for name, pattern, methods in COMPILED:
            found = pattern.fullmatch(rest)
            if found and method in methods:
                return name, found[1] if found.groups() else ""
        return "", ""

    async def answer(self, endpoint: str, argument: str, request: web.BaseRequest) -> Answer:
        given = await of_request(request)
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
            case "forms":
                return answer({"forms": [definitions.form(one) for one in definitions.FORMS.values()]})
            case "form":
                return self.form(int(argument))
            case "lists":
                return answer(tree.lists(with_forms=given.yes("with_forms")))
            case "list":
                return answer(tree.shown(tree.LISTS[self.known_list(argument)]))
            case "profile":
                return answer(people.profile(viewer))
            case "contacts":
                return answer(people.contacts())
        raise Refused("MethodNotFound")

    def log_in(self, given: Parameters, request: web.BaseRequest) -> Answer:
        """A token, and the URLs to use it with: below the same path as the login."""
        credentials = CredentialsV4(
            given.text("login") or "", given.text("security_key") or "", given.integer("person_id", 0) or None
        )
        token: dict[str, str] = {"access_token": self.tokens.log_in_v4(credentials)}
        base = "/api/v4/" if request.path.startswith("/api/") else "/v4/"
        origin = self.world.origin
        urls = {"api_url": origin + base, "files_url": f"{origin}/"} if self.options.login_urls else {}
        return answer(token | urls)

    def task(self, task_id: int, viewer: int) -> Answer:
        try:
            ordinal = self.world.ordinal(task_id)
        except KeyError:
            raise Refused("TaskNotFound") from None
        if not self.world.visible(ordinal, viewer):
            raise Refused("BehavioralTaskAccessViolation")
        self.journal.served(task_id)
        return Answer(self.world.v4.body_of(ordinal, viewer))

    def form(self, form_id: int) -> Answer:
        if form_id not in definitions.FORMS:
            raise Refused("access_denied_form")
        return answer(definitions.form(definitions.FORMS[form_id]))

    def known_list(self, argument: str) -> int:
        """The id of a list that exists."""
        if int(argument) not in tree.LISTS:
            raise Refused("access_denied_project")
        return int(argument)

    async def register(self, form_id: int, given: Parameters, viewer: int) -> Answer:
        """The rows of a form; `{}` if there are none, as empty arrays are left out."""
        self.form(form_id)
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
