"""A desk before each server of a history about files: it harms contents, and notices a secret that goes astray."""

import hashlib
from collections import Counter
from collections.abc import Callable
from random import Random

from aiohttp import web

from pyrus_etl.sandbox.answers import Answer, Refused
from pyrus_etl.sandbox.server.backend import Api

ELSEWHERE = "/elsewhere/"
SECRETS = ("Authorization", "X-Session", "Cookie")
CONTENTS = {"pyrus": ("file",), "paymo": ("contents",), "onlyoffice": ("handler", "store")}
"""Service → the endpoints that serve contents."""
HARMS = {
    "pyrus": ("longer", "shorter", "other", "gone", "elsewhere"),
    "paymo": ("longer", "shorter", "gone", "elsewhere"),
    "onlyoffice": ("longer", "shorter", "gone", "elsewhere"),
}
"""longer, shorter: by some bytes. other: as many bytes, but others; only Pyrus has checksums. gone: 410. elsewhere: a
redirect to another host, which has the contents."""


class Desk:
    """Before one server. `share` of its contents are harmed; `own`: the hosts that its secrets may be sent to.

    `tags`: whether contents have an ETag. `uploads`, `downloads`: requests since `clear`. `astray`: secrets that were
    sent to another host.
    """

    def __init__(self, service: str, port: int, dice: Random) -> None:
        self.service, self.port = service, port
        self.own: set[str] = set()
        self.share = 0.0
        self.tags = dice.random() < 0.5
        self.astray: list[str] = []
        self.harms: Counter[str] = Counter()
        self._dice = dice
        self._moved: list[Answer] = []
        self.clear()

    def clear(self) -> None:
        self.uploads = self.downloads = 0

    def came(self, endpoint: str, request: web.BaseRequest) -> None:
        """Counts a request, and notes a secret that has gone astray."""
        self.uploads += endpoint.startswith(("upload", "attach", "comments", "addcomment"))
        self.downloads += self.is_contents(endpoint)
        if request.host not in self.own and set(SECRETS) & set(request.headers):
            self.astray.append(f"{request.method} {request.host}{request.path}")

    def is_contents(self, endpoint: str) -> bool:
        return endpoint in CONTENTS[self.service]

    def moved(self, path: str) -> Answer:
        found = self._moved[int(path.removeprefix(ELSEWHERE))]
        return Answer(found.body, found.status, found.content_type, dict(found.headers))

    def part(self, found: Answer, request: web.BaseRequest) -> Answer:
        """The answer, or if a part is asked for, that part; a server may not know how, or get it wrong."""
        if self.tags:
            found.headers = found.headers | {"ETag": f'"{hashlib.sha256(found.body).hexdigest()}"'}
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        how = self._dice.choice(("whole", "part", "part", "another", "refused")) if start else "whole"
        if how == "whole" or request.headers.get("If-Range") not in (None, found.headers.get("ETag")):
            return found
        self.harms[f"{how} of a file"] += 1
        if how == "refused":
            return Answer(b"", 416)
        begin = start if how == "part" else max(start - 7, 0)
        ranged = {"Content-Range": f"bytes {begin}-{len(found.body) - 1}/{len(found.body)}"}
        return Answer(found.body[begin:], 206, found.content_type, found.headers | ranged)

    def harmed(self, found: Answer) -> Answer:
        """The answer, or what a fault makes of it."""
        if self._dice.random() >= self.share:
            return found
        harm = self._dice.choice(HARMS[self.service])
        self.harms[harm] += 1
        match harm:
            case "gone":
                return Answer(b"{}", 410)
            case "elsewhere":
                self._moved.append(found)
                return Answer(
                    b"", 302, headers={"Location": f"http://localhost:{self.port}{ELSEWHERE}{len(self._moved) - 1}"}
                )
        return Answer(self._other(found.body, harm), found.status, found.content_type, found.headers)

    def _other(self, body: bytes, harm: str) -> bytes:
        if harm == "longer":
            return body + b"!" * self._dice.choice((1, 100, 1 << 20))
        if harm == "shorter":
            return body[: self._dice.randrange(len(body))] if body else b"!"
        return bytes([body[0] ^ 1]) + body[1:] if body else b"!"


class Watched:
    """An API behind a desk."""

    def __init__(self, api: Api, desk: Desk) -> None:
        self._api, self._desk = api, desk
        self.endpoint: Callable[[str, str], tuple[str, str]] = api.endpoint

    def refusal(self, refused: Refused, /) -> Answer:
        return self._api.refusal(refused)

    async def answer(self, endpoint: str, argument: str, request: web.BaseRequest) -> Answer:
        self._desk.came(endpoint, request)
        if request.path.startswith(ELSEWHERE):
            return self._desk.moved(request.path)
        found = await self._api.answer(endpoint, argument, request)
        is_whole = self._desk.is_contents(endpoint) and found.status == 200
        return self._desk.harmed(self._desk.part(found, request)) if is_whole else found
