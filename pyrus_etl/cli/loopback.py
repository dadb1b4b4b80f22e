"""Waits on a loopback port for the one request by which a browser brings the code of a web login."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pyrus_etl.errors import LoginRefused

HOST = "127.0.0.1"
LONGEST_READ = 10.0
"""Seconds that one request may take."""
POLL = 0.05
"""Seconds that the end takes."""
PAGE = "<!DOCTYPE html><html><head><title>pyrus-etl</title></head><body><p>{}</p></body></html>\n"
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
}
"""The address holds the code: nothing may keep it or pass it on."""


class Loopback(ThreadingHTTPServer):
    """A server on a free port. Its path is a secret too, because the page of Pyrus does not promise to return `state`.

    `code`: what came; `error`: what Pyrus sent instead of it. Browsers open connections that they may never use, so
    each has a thread of its own.
    """

    def __init__(self) -> None:
        self.path = f"/{secrets.token_urlsafe(32)}"
        self.state = secrets.token_urlsafe(32)
        self.code = self.error = ""
        self.has_answered = threading.Event()
        super().__init__((HOST, 0), Handler)

    @property
    def redirect(self) -> str:
        """The address that Pyrus sends the browser to."""
        return f"http://{HOST}:{self.server_port}{self.path}"

    def wait(self, seconds: float) -> str:
        """Returns the code. Raises LoginRefused if access was not granted, or if nobody came in time."""
        if not self.has_answered.wait(seconds):
            raise LoginRefused("Nobody granted access in time; run pyrus-etl login again, and log in to Pyrus.")
        if self.error:
            raise LoginRefused(f"Pyrus did not grant access: {ascii(self.error)[:200]}; run pyrus-etl login again.")
        return self.code

    def accept(self, target: str) -> tuple[int, str]:
        """The status and the sentence for a request; keeps the code if the request comes from our page of Pyrus."""
        parts = urlsplit(target)
        given = {name: texts[0] for name, texts in parse_qs(parts.query).items()}
        if not _same(parts.path, self.path):
            return 404, "There is nothing here."
        if "state" in given and not _same(given["state"], self.state):
            return 400, "This is not the login that was begun; follow the newest address that pyrus-etl shows."
        code, error = given.get("code", ""), given.get("error", "")
        if self.code or self.error or not (code or error):
            return 400, "The code is missing, or it came already; run pyrus-etl login again."
        self.code, self.error = code, error
        return 200, "pyrus-etl has the code. You may close this window." if code else "Access was not granted."

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Forgets a request that broke off."""


class Handler(BaseHTTPRequestHandler):
    """Answers GET; writes no log, which would hold the code."""

    server: Loopback
    timeout = LONGEST_READ

    def do_GET(self) -> None:
        status, sentence = self.server.accept(self.path)
        try:
            self._send(status, sentence)
        finally:
            if status == 200:
                self.server.has_answered.set()

    def _send(self, status: int, sentence: str) -> None:
        body = PAGE.format(sentence).encode()
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Writes nothing."""


@contextmanager
def listening() -> Iterator[Loopback]:
    """A server that is closed at the end of the block."""
    with Loopback() as server:
        threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def _same(given: str, expected: str) -> bool:
    """Compares in a time that does not depend on where the texts differ."""
    return secrets.compare_digest(given.encode(), expected.encode())
