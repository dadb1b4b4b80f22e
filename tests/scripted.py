"""A server with answers scripted by a test, alone or in front of a sandbox."""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from pyrus_etl.sandbox import Sandbox

_of_thread = threading.local()


class Asked(NamedTuple):
    """A received request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer. Content-Length is added, and no other header that is not given.

    `parts`: a body that is sent in chunks, as long as the client reads them.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})
    parts: Iterable[bytes] | None = None


class Scripted(NamedTuple):
    """A running server, and the requests that it received."""

    url: str
    asked: list[Asked]

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


def chunked(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the parts in chunked transfer encoding (RFC 9112)."""
    for part in parts:
        yield b"%x\r\n%s\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


def received(file: BufferedIOBase, headers: Message) -> bytes:
    """Reads the body of a request, in chunks or as long as it says, as far as it came."""
    if headers.get("Transfer-Encoding") != "chunked":
        return file.read(int(headers.get("Content-Length", 0)))
    body = b""
    while size := int(file.readline() or b"0", 16):
        body += file.read(size)
        file.readline()
    file.readline()
    return body


Script = Callable[[Asked], Reply]


@contextmanager
def scripted(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """Answers every request by the script, on a free loopback port, until the block ends."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = received(self.rfile, self.headers)
            request = Asked(self.command, self.path, dict(self.headers.items()), body)
            asked.append(request)
            reply = script(request)
            sent = [reply.body] if reply.parts is None else chunked(reply.parts)
            whole = {"Content-Length": str(len(reply.body))}
            framing = whole if reply.parts is None else {"Transfer-Encoding": "chunked"}
            self.send_response_only(reply.status)
            for name, value in {**framing, **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.writelines(sent)
                self.wfile.flush()
            except ConnectionError:  # it has had enough
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 -- the names http.server calls

        def finish(self) -> None:
            try:
                super().finish()  # fails if the client is gone
            finally:
                if hasattr(_of_thread, "connection"):
                    _of_thread.connection.close()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:  # the handshake is done in the threads, so that a failing one blocks nobody
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Scripted(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def in_front_of(sandbox: Sandbox, otherwise: Callable[[Asked], Reply | None]) -> Iterator[Scripted]:
    """Passes every request on to the sandbox, except those that the script answers itself."""

    def script(asked: Asked) -> Reply:
        return otherwise(asked) or passed_on(sandbox, asked)

    with scripted(script) as server:
        yield server


PASSED_ON = ("Accept", "Authorization", "Content-Type")


def passed_on(sandbox: Sandbox, asked: Asked) -> Reply:
    """Returns the answer of the sandbox."""
    kept = {name: value for name, value in asked.headers.items() if name in PASSED_ON}
    connection = _connection_to(sandbox)
    try:
        connection.request(asked.method, asked.path, asked.body or None, kept)
        with connection.getresponse() as answer:
            date = {"Date": answer.headers["Date"]} if answer.status < 400 else {}
            return Reply(answer.status, answer.read(), date)
    except (OSError, HTTPException):
        connection.close()
        raise


def _connection_to(sandbox: Sandbox) -> HTTPConnection:
    """The connection of this thread, which serves one client; it is closed when the client goes (see `Handler`)."""
    if not hasattr(_of_thread, "connection"):
        _of_thread.connection = HTTPConnection(urlsplit(sandbox.url).netloc, timeout=60)
    connection: HTTPConnection = _of_thread.connection
    return connection
