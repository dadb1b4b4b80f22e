"""The servers of a history about files: a Pyrus, Paymo and ONLYOFFICE, made from its seed."""

from collections.abc import Callable
from random import Random
from typing import Any

from aiohttp import web

from pyrus_etl.sandbox import Sandbox, World, onlyoffice, paymo
from pyrus_etl.sandbox.server.backend import Api
from pyrus_etl.sandbox.server.server import Server
from pyrus_etl.sandbox.tasks.contents import bytes_of
from pyrus_etl.settings import Secret
from tests.conftest import environment_of
from tests.simulation.desks import Desk, Watched
from tests.simulation.totals import Totals

PORTS = {"pyrus": 8001, "other": 8003, "third": 8005}
"""The port after each of them is that of its files, if they are apart."""
Handler = Callable[[web.BaseRequest], Any]
FileId = int | str


class Offices:
    """`api`: that of Pyrus. `service`: paymo or onlyoffice, to which attachments are mirrored; that of the third is the
    other of them. If they are `real`, they have to be opened as servers.
    """

    def __init__(self, seed: int, *, real: bool) -> None:
        dice = Random(seed)
        ports = dict.fromkeys(PORTS, 0) if real else PORTS
        self.api = dice.choice(("v3", "v4"))
        self.service = dice.choice(("paymo", "onlyoffice"))
        self.world = World(seed, tasks=dice.randint(8, 20))
        self.pyrus = Sandbox(self.world, port=ports["pyrus"], files_apart=self.api == "v4" and dice.random() < 0.5)
        self.other = _other(self.service, seed, ports["other"], dice)
        self.at: dict[int, list[Callable[[], object]]] = {}
        self.after: dict[int, list[Callable[[], object]]] = {}
        self.requests = 0
        self.desks = [Desk("pyrus", 0, Random(dice.random())), Desk(self.service, 0, Random(dice.random()))]
        self.third_service = ({"paymo", "onlyoffice"} - {self.service}).pop()
        self.third = _other(self.third_service, seed, ports["third"], dice)
        self.desks.append(Desk(self.third_service, 0, Random(dice.random())))
        self.servers = [self.pyrus, self.other, self.third]
        self.of_third = set(files_of(self.third).values())
        self._handlers: dict[int, Handler] = {}
        if not real:
            for server, port in zip(self.servers, ports.values(), strict=True):
                self._locate(server, port)

    def _locate(self, server: Any, port: int) -> None:
        """Gives a server, which does not listen, its addresses."""
        files = f"http://127.0.0.1:{port + 1}" if server.backend.files_apart else None
        server.backend.located(server.url, files)
        self._handlers |= {each: Server(server.backend).handle for each in (port, port + 1)}

    def watch(self) -> None:
        """Puts a desk before each server, which has its address by now."""
        for server, desk in zip(self.servers, self.desks, strict=True):
            desk.port, desk.own = server.port, {server.url.removeprefix("http://")}
        if self.api == "v4" and self.world.files_origin:
            self.desks[0].own.add(self.world.files_origin.removeprefix("http://"))
        find, desks = self.pyrus.backend.api, self.desks
        setattr(self.pyrus.backend, "api", lambda path: Watched(find(path), desks[0]))  # noqa: B010 -- mypy
        for server, desk in zip(self.servers[1:], desks[1:], strict=True):
            api: Api = server.backend.api("/")
            watched = Watched(api, desk)
            setattr(server.backend, "api", lambda _, watched=watched: watched)  # noqa: B010 -- mypy

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers a request by the server that its host names; faults happen before some, and after others."""
        self.requests += 1
        number = self.requests
        for happens in self.at.pop(number, ()):
            happens()
        found: web.StreamResponse = await self._handlers[int(request.host.rpartition(":")[2])](request)
        for happens in self.after.pop(number, ()):
            happens()
        return found

    def environment(self, database: Secret) -> dict[str, str]:
        logins = _login(self.other) | _login(self.third)
        return environment_of(self.pyrus, database) | {"PYRUS_API": self.api} | logins

    def count(self, totals: Totals) -> None:
        """Adds the requests of the history and their faults."""
        for journal in (server.requests for server in self.servers):
            totals.requests += journal.total
            totals.faults.update(journal.faults)
        for desk in self.desks:
            totals.faults.update(desk.harms)

    def files(self) -> dict[str, bytes]:
        """The files at the other service: id → contents."""
        return files_of(self.other)

    def uploaded(self) -> dict[FileId, bytes]:
        """Those of them that were uploaded, in all their versions."""
        if isinstance(self.other, paymo.PaymoSandbox):
            return {each: found for each, found in self.other.world.contents.items() if isinstance(found, bytes)}
        world = self.other.world
        found = {
            each: b"".join(one for one in world.versions[each] if isinstance(one, bytes)) for each in world.ids("files")
        }
        return {each: content for each, content in found.items() if content and each not in world.trash}

    def place_of(self, file_id: str) -> set[int]:
        """The tasks of the other service that have a file."""
        if isinstance(self.other, paymo.PaymoSandbox):
            return {self.other.world.file(int(file_id)).get("task_id", 0)}
        held = self.other.world.attached.items()
        return {task for (kind, task), files in held if kind == "tasks" and file_id in map(str, files)}


def files_of(server: Any) -> dict[str, bytes]:
    """The files at a service: id → contents."""
    if isinstance(server, paymo.PaymoSandbox):
        return {str(each): bytes_of(server.world.contents[each]) for each in server.world.ids("files")}
    there = [each for each in server.world.ids("files") if each not in server.world.trash]
    return {str(each): bytes_of(server.world.versions[each][-1]) for each in there}


def _login(server: Any) -> dict[str, str]:
    if isinstance(server, paymo.PaymoSandbox):
        return {"PAYMO_URL": server.url, "PAYMO_API_KEY": server.options.api_key}
    return {"ONLYOFFICE_URL": server.url, "ONLYOFFICE_TOKEN": server.options.token}


def _other(service: str, seed: int, port: int, dice: Random) -> Any:
    projects, tasks = dice.randint(1, 2), dice.randint(2, 3)
    apart = dice.random() < 0.5
    if service == "onlyoffice":
        portal = onlyoffice.World(seed, projects, tasks)
        return onlyoffice.OnlyofficeSandbox(portal, port=port, files_apart=apart, items_per_page=dice.choice((3, 25)))
    company = paymo.World(seed, projects, tasks)
    return paymo.PaymoSandbox(
        company,
        port=port,
        files_apart=apart,
        most_page=dice.choice((4, 2500)),
        number_sizes=dice.random() < 0.5,
        link_seconds=dice.choice((None, 600)),
    )
