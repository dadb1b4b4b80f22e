"""Paymo's API, as https://github.com/paymoapp/api describes it, without injected faults."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from aiohttp import web

from pyrus_etl.sandbox.answers import Answer, Refused
from pyrus_etl.sandbox.organisation.dice import mix
from pyrus_etl.sandbox.paymo.given import basic, media_type, parameters
from pyrus_etl.sandbox.paymo.options import Options
from pyrus_etl.sandbox.paymo.routes import COMMON, COMPILED, FIELDS, LISTS, PARENTS, STATUSES
from pyrus_etl.sandbox.paymo.where import paged, unknown, where
from pyrus_etl.sandbox.paymo.world import COMPANY, TARGETS, World
from pyrus_etl.sandbox.tasks.contents import bytes_of, sent

Json = dict[str, Any]

PARENTS |= {"comment": "comments", "thread": "threads"}
CHANGEABLE = {"original_filename", "description"}
THUMBNAILS = tuple(f"image_thumb_{size}" for size in ("large", "medium", "small"))


class Paymo:
    """Finds the endpoint of a request and answers it."""

    def __init__(self, world: World, options: Options) -> None:
        self.world = world
        self.options = options
        self._sessions: set[str] = set()

    @staticmethod
    def endpoint(method: str, path: str) -> tuple[str, str]:
        for name, pattern, methods in COMPILED:
            found = pattern.fullmatch(path)
            if found and method in methods:
                return name, found[1] if found.groups() else ""
        return "", ""

    @staticmethod
    def refusal(refused: Refused, /) -> Answer:
        status, message = STATUSES[refused.code]
        body = msgspec.json.encode({"message": refused.about or message})
        return Answer(body, status, headers=refused.headers)

    async def answer(self, endpoint: str, argument: str, request: web.BaseRequest) -> Answer:
        if endpoint == "contents":
            return self.contents(argument, request)
        self.check(request)
        match endpoint:
            case "session":
                return self.session()
            case "me":
                return wrapped("users", [next(iter(self.world.tables["users"].values()))])
            case "upload":
                return await self.upload(request)
            case "file":
                return self.files([self.found(argument)], request)
            case "update":
                return await self.update(self.found(argument), request)
            case "delete":
                self.world.remove_file(self.found(argument)["id"])
                return Answer(b"")
        if endpoint not in LISTS:
            raise Refused("MethodNotFound")
        return self.one(endpoint, argument, request) if argument else self.listed(endpoint, request)

    def check(self, request: web.BaseRequest) -> None:
        """Refuses a request without the key, the password or a session, and one that asks for XML or sends no type."""
        session = request.headers.get("X-Session")
        if session not in self._sessions and basic(request) not in self._logins():
            raise Refused("unauthorized")
        if request.host == self.files_host():
            raise Refused("MethodNotFound")
        accepted = request.headers.get("Accept", "")
        if "xml" in accepted and "json" not in accepted:
            raise Refused("xml")
        if request.method in ("POST", "PUT") and "Content-Type" not in request.headers:
            raise Refused("content_type")

    def _logins(self) -> set[str]:
        """What may be sent as user and password; any password goes with the key."""
        return {f"{self.options.email}:{self.options.password}", f"{self.options.api_key}:"}

    def files_host(self) -> str | None:
        return self.world.files_origin.partition("//")[2] if self.world.files_origin else None

    def session(self) -> Answer:
        session = f"{mix(self.world.seed, len(self._sessions), 5):016x}"
        self._sessions.add(session)
        return wrapped("sessions", [{"id": session, "user_id": 1}], 201)

    def listed(self, table: str, request: web.BaseRequest) -> Answer:
        given = request.query.get("where", "")
        if table == "files" and not given and not self.options.unfiltered_files:
            raise Refused("bad_request", about="Files are listed by project, discussion, task or comment.")
        self.permitted(given)
        test = where(given, (*COMMON, *FIELDS[table]))
        found = [one for one in self.world.tables[table].values() if test(one) and "token" not in one]
        page = paged(found, request.query.get("page"), request.query.get("page_size"), self.options.most_page)
        return self.files(page, request) if table == "files" else wrapped(table, self.included(table, page, request))

    def one(self, table: str, argument: str, request: web.BaseRequest) -> Answer:
        if int(argument) not in self.world.tables[table]:
            raise Refused("not_found")
        return wrapped(table, self.included(table, [self.world.tables[table][int(argument)]], request))

    def found(self, argument: str) -> Json:
        """The file with this id; refused if there is none, or if its project is forbidden."""
        file = self.world.tables["files"].get(int(argument))
        if file is None:
            raise Refused("not_found")
        if file.get("project_id") in self.world.forbidden:
            raise Refused("forbidden")
        return file

    def permitted(self, given: str) -> None:
        """Refuses a filter by a forbidden project, or by a target in it."""
        for key, target_id in re.findall(r"\b(\w+_id)\s*=\s*(\d+)", given):
            if key in TARGETS and self.world.project_of(key, int(target_id)) in self.world.forbidden:
                raise Refused("forbidden")

    def files(self, files: list[Json], request: web.BaseRequest, status: int = 200) -> Answer:
        """Files as they are shown: with links, and with what `include` asks for."""
        shown = self.included("files", [self.shown(file) for file in files], request)
        location = {"Location": f"{self.world.origin}/api/files/{files[0]['id']}"} if status == 201 else {}
        return wrapped("files", shown, status, location)

    def shown(self, file: Json) -> Json:
        link = self.link(file)
        size = {"size": int(file["size"])} if self.options.number_sizes else {}
        pictures = {name: self.link(file, f"thumbs/{name[12:]}/") for name in THUMBNAILS}
        return file | size | {"file": link} | (pictures if file["mime"].startswith("image/") else {})

    def link(self, file: Json, folder: str = "") -> str:
        """A link under a name that differs from the file's own."""
        ending = "png" if folder else file["original_filename"].rpartition(".")[2]
        ending = ending if re.fullmatch(r"\w+", ending) else "bin"
        seconds, expiry = self.options.link_seconds, ""
        if seconds is not None:
            expiry = f"?expires={int(self.world.clock.now() + seconds * 1000)}"
        base = self.world.files_origin or self.world.origin
        path = f"/assets/{COMPANY}/projects/{file.get('project_id', 0)}/{folder}{self.world.hash(file['id'])}.{ending}"
        return f"{base}{path}{expiry}"

    def contents(self, argument: str, request: web.BaseRequest) -> Answer:
        """The bytes of a file. The second port refuses the key; the first one may ask for it."""
        if request.host == self.files_host() and {"Authorization", "X-Session"} & set(request.headers):
            self.world.leaks += 1
            raise Refused("bad_request", about="This host takes no key.")
        if request.host != self.files_host() and self.options.login_for_links:
            self.check(request)
        if 0 < int(request.query.get("expires", 0)) < self.world.clock.now():
            raise Refused("forbidden", about="The link has expired.")
        file = self.world.tables["files"].get(self.world.links.get(argument.rpartition("/")[2], 0))
        if file is None:
            raise Refused("not_found")
        return Answer(bytes_of(self.world.contents[file["id"]]), content_type=file["mime"])

    def included(self, table: str, found: list[Json], request: web.BaseRequest) -> list[Json]:
        """The objects with their relatives (`include=project.name,task`), cut to what `select` names."""
        for name in filter(None, request.query.get("include", "").split(",")):
            found = [one | self.relative(table, one, *name.strip().partition(".")[::2]) for one in found]
        chosen = [name for name in request.query.get("select", "").split(",") if name]
        for name in chosen:
            if name not in (*COMMON, *FIELDS[table], "file", "token", "tags"):
                raise unknown(name)
        return [{name: one[name] for name in chosen if name in one} for one in found] if chosen else found

    def relative(self, table: str, one: Json, name: str, field: str) -> Json:
        key = f"{table[:-1]}_id"
        if name in PARENTS and (f"{name}_id" in FIELDS[table]):
            parent = self.world.tables[PARENTS[name]].get(one.get(f"{name}_id", 0))
            return {name: {key: parent[key] for key in ("id", field) if key in parent} if parent and field else parent}
        if name in LISTS and key in FIELDS[name]:
            children = [child for child in self.world.tables[name].values() if child.get(key) == one["id"]]
            return {name: [self.shown(child) for child in children] if name == "files" else children}
        raise unknown(name)

    async def upload(self, request: web.BaseRequest) -> Answer:
        """Stores a file, with a target or for later. 201, and the place of the new file."""
        if request.content_type != "multipart/form-data":
            raise Refused("bad_request", about="Send the file as multipart/form-data.")
        upload = await sent(request, "file")
        if upload.content is None:
            raise Refused("bad_request", about="No file was sent: the field's name is file.")
        target = self.target(upload.fields)
        file_id = self.world.add_file(upload.name, upload.content, media_type(upload), **target)
        self.world.change_file(file_id, description=upload.fields.get("description", ""))
        return self.files([self.world.file(file_id)], request, 201)

    async def update(self, file: Json, request: web.BaseRequest) -> Answer:
        """Renames or describes a file; with a token, attaches it."""
        given = await parameters(request)
        if "token" in given:
            return self.attach(file, given, request)
        if unknown_names := set(given) - CHANGEABLE:
            raise Refused("bad_request", about=f"The field cannot be changed: {min(unknown_names)}")
        self.world.change_file(file["id"], **given)
        return self.files([file], request)

    def attach(self, file: Json, given: Json, request: web.BaseRequest) -> Answer:
        if given["token"] != file.get("token"):
            raise Refused("forbidden", about="The token is not the file's.")
        target = self.target(given)
        if not target:
            raise Refused("bad_request", about="Send one of project_id, discussion_id, task_id, comment_id.")
        self.world.move_file(file["id"], **target)
        return self.files([file], request)

    def target(self, given: Json) -> dict[str, int]:
        """The one target of a file, or none; refused if there are several, or if it does not exist."""
        found = {key: given[key] for key in TARGETS if given.get(key)}
        if len(found) > 1 or not all(str(value).isdecimal() for value in found.values()):
            raise Refused("bad_request", about="Send one of project_id, discussion_id, task_id, comment_id.")
        for key, value in found.items():
            project = self.world.project_of(key, int(value))
            if project is None:
                raise Refused("not_found", about=f"Object not found: {key}={value}")
            if project in self.world.forbidden:
                raise Refused("forbidden")
        return {key: int(value) for key, value in found.items()}


def wrapped(name: str, found: list[Json], status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Every answer wraps a list, also for one object."""
    return Answer(msgspec.json.encode({name: found}), status, headers=headers or {})
