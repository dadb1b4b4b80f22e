"""The border of Pyrus: beyond it are other origins, to which answers may lead, and which must never see a secret."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from pyrus_etl.sandbox import Sandbox
from tests.simulation.invariants import require

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

ELSEWHERE = "127.0.0.2:8080"


class Border:
    """Answers in place of `handle`. `astray`: the number of the next requests that are answered with a redirect."""

    def __init__(self, sandbox: Sandbox, handle: Handler) -> None:
        self._key = sandbox.options.security_key.encode()
        self._handle = handle
        self._leaks: list[str] = []
        self.astray = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers for both sides of the border. Histories about files have redirects of their own (see `desks`)."""
        if request.host == ELSEWHERE:
            return await self._elsewhere(request)
        if self.astray:
            self.astray -= 1
            return redirect(request)
        return await self._handle(request)

    def check(self) -> None:
        """No token and no key ever crosses the border."""
        require(not self._leaks, f"a secret was sent to another origin: {self._leaks}")

    async def _elsewhere(self, request: web.BaseRequest) -> web.Response:
        sent = b"\n".join([str(request.headers).encode(), request.path_qs.encode(), await request.read()])
        if b"Authorization" in sent or self._key in sent:
            self._leaks.append(f"{request.method} {request.path}")
        return web.Response(body=b"{}", content_type="application/json")


def redirect(request: web.BaseRequest) -> web.Response:
    """To the same path elsewhere. The method and the body stay (RFC 9110, 15.4.8)."""
    return web.Response(status=307, headers={"Location": f"http://{ELSEWHERE}{request.path_qs}"})
