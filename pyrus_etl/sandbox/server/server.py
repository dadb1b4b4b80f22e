"""The HTTP server of a sandbox. A request is counted, may get a fault, takes a place of the quota, and is answered."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib

from aiohttp import web

from pyrus_etl.sandbox.answers import HTML, Answer, Refused
from pyrus_etl.sandbox.limits.faults import Fault
from pyrus_etl.sandbox.server.backend import Api, Served

LOOPBACK = ("127.0.0.1", "::1", None)
LONG = 256 * 1024
GONE = 499
"""The status of an answer that nobody reads."""
GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>One moment</title></head><body>Please wait</body></html>\n"


class Server:
    """Answers requests, one with each call of `handle`."""

    def __init__(self, backend: Served) -> None:
        self.backend = backend

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/sandbox/"):
            return await self.control(request)
        api = self.backend.api(request.path)
        endpoint, argument = api.endpoint(request.method, request.path)
        self.backend.journal.started(endpoint or "unknown")
        status = 0
        try:
            response = await self.respond(api, endpoint, argument, request)
            status = response.status
            return response
        except ConnectionResetError:  # the client is gone in the middle of its request
            return web.Response(status=GONE)
        finally:
            self.backend.journal.ended(status)

    async def control(self, request: web.BaseRequest) -> web.Response:
        if request.remote not in LOOPBACK:
            return web.Response(status=403)
        if request.path == "/sandbox/release":
            return web.json_response({"result": await self.backend.injector.late.release()})
        found = self.backend.obey(request.method, request.path.removeprefix("/sandbox/"), await request.read())
        return web.Response(body=found.body, status=found.status, headers={"Content-Type": found.content_type})

    async def respond(self, api: Api, endpoint: str, argument: str, request: web.BaseRequest) -> web.StreamResponse:
        fault = self.backend.injector.fault(endpoint)
        if fault:
            self.backend.journal.faults[fault] += 1
        if fault == "slow":
            await asyncio.sleep(self.backend.injector.faults.seconds)
        if fault == "reset":
            return reset(request)
        limits: dict[str, str] = {}
        try:
            limits = self.backend.quota.take() if self.backend.quota else limits
            if fault == "late":
                return await self.answer_late(api, endpoint, argument, request)
            found = self.failed(api, fault) or await api.answer(endpoint, argument, request)
        except Refused as refused:
            found = api.refusal(refused)
        found.headers = limits | found.headers | {"Date": self.backend.clock.header()}
        if fault == "lost":
            return reset(request)
        if fault == "gateway":
            found = Answer(GATEWAY, 502, HTML)
        body = await self.packed(found, request)
        return await cut_short(request, found, body) if fault == "short" else respond(found, body)

    async def answer_late(self, api: Api, endpoint: str, argument: str, request: web.BaseRequest) -> web.StreamResponse:
        """Cuts the connection; the request is carried out later."""
        await request.read()
        seconds = self.backend.injector.faults.late_seconds
        self.backend.injector.late.add(lambda: api.answer(endpoint, argument, request), seconds)
        return reset(request)

    def failed(self, api: Api, fault: Fault | None) -> Answer | None:
        """The answer that a fault sends instead of the right one; None if there is none."""
        if fault == "html":
            return Answer(PAGE, content_type=HTML)
        if fault == "limit":
            wait = {"Retry-After": str(self.backend.injector.faults.retry_after)}
            return api.refusal(Refused("TooManyRequests", wait))
        if fault in ("error", "unavailable"):
            return api.refusal(Refused({"error": "ServerError", "unavailable": "Unavailable"}[fault]))
        return None

    async def packed(self, answer: Answer, request: web.BaseRequest) -> bytes:
        """The body as it is sent: compressed if the client accepts gzip, in a thread if it is long."""
        if not self.backend.gzip or "gzip" not in request.headers.get("Accept-Encoding", ""):
            return answer.body
        answer.headers["Content-Encoding"] = "gzip"
        if len(answer.body) > LONG:
            return await asyncio.to_thread(gzipped, answer.body)
        return gzipped(answer.body)


def gzipped(body: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def respond(answer: Answer, body: bytes) -> web.Response:
    return web.Response(body=body, status=answer.status, headers=answer.headers | {"Content-Type": answer.content_type})


def reset(request: web.BaseRequest) -> web.Response:
    """Resets the connection without an answer (RST, not FIN)."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=GONE)


async def cut_short(request: web.BaseRequest, answer: Answer, body: bytes) -> web.StreamResponse:
    """Announces the whole body, sends half of it, and closes the connection."""
    headers = answer.headers | {"Content-Type": answer.content_type, "Content-Length": str(len(body))}
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
