"""The portal's API: calls of Projects and Documents (https://api.onlyoffice.com/workspace), without injected faults."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from pyrus_etl.sandbox.answers import HTML, Answer, Refused
from pyrus_etl.sandbox.onlyoffice.given import Given, of_request
from pyrus_etl.sandbox.onlyoffice.options import Options
from pyrus_etl.sandbox.onlyoffice.routes import BASE, COMPILED, EDITOR, HANDLER, STATUSES
from pyrus_etl.sandbox.onlyoffice.shown import address, folder_of, headed, project, shown, signature
from pyrus_etl.sandbox.onlyoffice.wording import failed, said, time, wrapped
from pyrus_etl.sandbox.onlyoffice.world import FileId, Refusal, World
from pyrus_etl.sandbox.organisation.dice import mix
from pyrus_etl.sandbox.tasks.contents import bytes_of

Json = dict[str, Any]

KINDS = {"task": "tasks", "message": "messages"}


class Onlyoffice:
    """Finds the endpoint of a request and answers it."""

    def __init__(self, world: World, options: Options) -> None:
        self.world = world
        self.options = options
        self._tokens: dict[str, int] = {}

    @staticmethod
    def endpoint(method: str, path: str) -> tuple[str, str]:
        lowered = path.lower()
        if lowered in (HANDLER, EDITOR) or lowered.startswith("/store/"):
            return {HANDLER: "handler", EDITOR: "editor"}.get(lowered, "store"), path.removeprefix("/store/")
        rest = re.sub(r"\.(json|xml)$", "", path[len(BASE) :].strip("/"))
        for name, pattern, methods in COMPILED if lowered.startswith(BASE) else ():
            found = pattern.fullmatch(rest)
            if found and method in methods:
                return name, (found[1] or "") if found.groups() else ""
        return "", ""

    @staticmethod
    def refusal(refused: Refused, /) -> Answer:
        """What the web server before the portal says, in HTML."""
        status, message = STATUSES[refused.code]
        return Answer(f"<html><body><h1>{message}</h1></body></html>".encode(), status, HTML, refused.headers)

    async def answer(self, endpoint: str, argument: str, request: web.BaseRequest) -> Answer:
        if endpoint in ("handler", "editor", "store"):
            return self.download(endpoint, argument, request)
        path = request.path.lower()
        as_json = not path.endswith(".xml") and (path.endswith(".json") or "json" in request.headers.get("Accept", ""))
        try:
            body = self.body(endpoint, argument, await of_request(request, self.options.items_per_page), request)
            status = int(body["statusCode"])
        except Refused as refused:
            status, message = STATUSES[refused.code]
            body = failed(status, refused.about or message)
        return said(body, status, self.options.names, as_json)

    def body(self, endpoint: str, argument: str, given: Given, request: web.BaseRequest) -> Json:
        if endpoint == "login":
            return self.log_in(argument, given)
        self.check(request)
        match endpoint:
            case "me":
                return wrapped(self.world.people[0])
            case "projects":
                return given.page([project(one) for one in self.world.tables["projects"].values()])
            case "project":
                one = self.found("projects", argument)
                return wrapped(project(one) | {"projectFolder": one["projectFolder"]})
            case "tasks" | "messages":
                return self.entities(endpoint, argument, given)
            case "folder":
                return folder_of(self.world, self.found("folders", argument), given)
            case "fileops":
                return wrapped(self.polled())
        return self.of_file(endpoint, argument, given) or self.of_entity(endpoint, argument, given)

    def of_file(self, endpoint: str, argument: str, given: Given) -> Json | None:
        match endpoint:
            case "upload" | "insert":
                folder = self.found("folders", argument)["id"]
                return wrapped(shown(self.world, self.uploaded(folder, given, named=endpoint == "insert")), 201)
            case "file":
                return wrapped(shown(self.world, self.file(argument)))
            case "update":
                file = self.file(argument)
                self.world.rename(file["id"], given.text("title"))
                return wrapped(shown(self.world, file))
            case "delete":
                return wrapped([self.operation(self.file(argument)["id"], given.yes("immediately"))])
            case "presigned":
                file = self.file(argument)
                return wrapped(f"{address(self.world, file)}&stream_auth={signature(self.world, file['id'])}")
        return None

    def of_entity(self, endpoint: str, argument: str, given: Given) -> Json:
        kind, entity = self.entity(argument, given)
        match endpoint:
            case "entity":
                files = [shown(self.world, one) for one in self.world.of_entity(kind, entity["id"])]
                return wrapped(headed(self.world, entity) | {"files": files, "comments": []})
            case "entityfiles":
                return given.page(
                    [shown(self.world, one) for one in self.world.of_entity(kind, entity["id"])], total=False
                )
            case "attach":
                self.world.attach(kind, entity["id"], [self.file(str(one))["id"] for one in given.items("files")])
                return wrapped(headed(self.world, entity))
            case "detach":
                self.detach(kind, entity["id"], self.file(given.text("fileid"))["id"])
                return wrapped(headed(self.world, entity))
            case "uploadto":
                root = self.world.tables["projects"][entity["projectId"]]["projectFolder"]
                file = self.uploaded(given.integer("folderid") or root, given, named=False)
                self.world.attach(kind, entity["id"], [file["id"]])
                return wrapped(shown(self.world, file), 201)
        raise Refused("MethodNotFound")

    def log_in(self, code: str, given: Given) -> Json:
        """A token; with two factors, only after a second call that has the code."""
        right = given.text("username") == self.options.user and given.text("password") == self.options.password
        if not right or (code and code != self.options.two_factor):
            raise Refused("unauthorized", about="User authentication failed")
        if self.options.two_factor and not code:
            return wrapped({"tfa": True, "tfaKey": ""}, 201)
        token = f"{mix(self.world.seed, len(self._tokens), 3):016x}"
        self._tokens[token] = self.world.clock.now() + int(self.options.token_seconds * 1000)
        return wrapped({"token": token, "expires": time(self._tokens[token])}, 201)

    def check(self, request: web.BaseRequest) -> None:
        """Refuses a request without a valid token, and one to the store's address."""
        token = request.headers.get("Authorization", "")
        token = token.removeprefix("Bearer ") if self.options.bearer else token
        if token != self.options.token and self._tokens.get(token, 0) <= self.world.clock.now():
            raise Refused("unauthorized")
        if request.host == self.files_host():
            raise Refused("MethodNotFound")

    def files_host(self) -> str | None:
        return self.world.files_origin.partition("//")[2] if self.world.files_origin else None

    def found(self, table: str, argument: str) -> Json:
        """The object with this id; refused if there is none, or if its project is forbidden."""
        one = self.world.tables[table].get(int(argument) if argument.isdecimal() else argument)
        if one is None:
            raise Refused("not_found")
        if one.get("projectId", one["id"] if table == "projects" else None) in self.world.forbidden:
            raise Refused("forbidden")
        return one

    def file(self, argument: str) -> Json:
        file = self.found("files", argument)
        self.found("folders", str(file["folderId"]))
        return file

    def entity(self, argument: str, given: Given) -> tuple[str, Json]:
        """A task or a message: `task/9`, or `9` with an entityType beside it."""
        kind, _, entity_id = argument.rpartition("/")
        table = KINDS.get(kind or given.text("entitytype").lower() or "task")
        if table is None:
            raise Refused("BadFormat", about="entityType has to be Task or Message")
        return table, self.found(table, entity_id)

    def entities(self, table: str, argument: str, given: Given) -> Json:
        """Tasks or messages, of one project or of all that are not forbidden."""
        project = argument or given.text("projectid")
        if project:
            self.found("projects", project)
        status = {"open": 1, "closed": 2}.get(given.text("status").lower())
        last = given.integer("lastid") or 0
        found = [one for one in self.world.tables[table].values() if one["projectId"] not in self.world.forbidden]
        found = [one for one in found if not project or one["projectId"] == int(project)]
        found = [one for one in found if one["id"] > last and status in (None, one["status"])]
        return given.page([headed(self.world, one) for one in found])

    def uploaded(self, folder_id: int, given: Given, *, named: bool) -> Json:
        """Stores what was sent: a new file, or a new version of the one that has the title."""
        title = (given.text("title") if named else "") or given.name
        if given.content is None or not title:
            raise Refused("BadFormat", about="No file was sent")
        if title.lower().endswith(self.options.refused_endings):
            raise Refused("forbidden", about="The file type is not allowed")
        if folder_id not in self.world.tables["folders"]:
            raise Refused("not_found")
        try:
            new = given.yes("createnewifexist")
            return self.world.file(self.world.add_file(folder_id, title, given.content, new_if_exists=new))
        except Refusal as refusal:
            raise Refused("BadFormat", about=str(refusal)) from refusal

    def detach(self, kind: str, entity_id: int, file_id: FileId) -> None:
        if file_id not in self.world.attached.get((kind, entity_id), ()):
            raise Refused("not_found")
        self.world.detach(kind, entity_id, file_id)

    def operation(self, file_id: FileId, immediately: bool) -> Json:
        """Begins a deletion; it is done when it has been asked for often enough."""
        number = str(mix(self.world.seed, len(self.world.operations), 11))
        head = {"id": number, "operation": 2, "progress": 0, "error": None, "processed": "", "finished": False}
        kept = head | {"files": [file_id], "immediately": immediately, "polls": 0}
        self.world.operations.append(kept)
        return operation_of(kept)

    def polled(self) -> list[Json]:
        """The operations; a finished one is shown once."""
        for one in self.world.operations:
            one["polls"] += 1
            if one["polls"] >= self.options.polls:
                one.update(finished=True, progress=100, processed="1")
                self.finish(one)
        shown = [operation_of(one) for one in self.world.operations]
        self.world.operations[:] = [one for one in self.world.operations if not one["finished"]]
        return shown

    def finish(self, operation: Json) -> None:
        for file_id in operation["files"]:
            if file_id in self.world.tables["files"]:
                self.world.remove(file_id, immediately=operation["immediately"])

    def download(self, endpoint: str, argument: str, request: web.BaseRequest) -> Answer:
        if endpoint == "editor":
            return Answer(b"<!DOCTYPE html><html><body>The editor</body></html>", content_type=HTML)
        if endpoint == "store":
            return self.stored(argument, request)
        file_id = request.query.get("fileid", "")
        if request.query.get("stream_auth") != signature(self.world, file_id):
            self.check(request)
        file = self.file(file_id)
        if self.world.files_origin is None:
            return self.contents(file)
        place = f"{self.world.files_origin}/store/{file_id}?signature={signature(self.world, file_id)}"
        return Answer(b"", 302, headers={"Location": place})

    def stored(self, file_id: str, request: web.BaseRequest) -> Answer:
        """The store takes a signature, and refuses the portal's token."""
        if "Authorization" in request.headers:
            self.world.leaks += 1
            raise Refused("BadFormat")
        if request.query.get("signature") != signature(self.world, file_id):
            raise Refused("forbidden")
        return self.contents(self.file(file_id))

    def contents(self, file: Json) -> Answer:
        named = {"Content-Disposition": "attachment"}
        content = bytes_of(self.world.versions[file["id"]][-1])
        return Answer(content, content_type="application/octet-stream", headers=named)


def operation_of(kept: Json) -> Json:
    """An operation as it is shown."""
    hidden = ("files", "immediately", "polls")
    return {key: value for key, value in kept.items() if key not in hidden} | {"files": None, "folders": None}
