"""An HTTP proxy for tests, which opens a tunnel to a server on loopback, or refuses."""

import shutil
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple


class Proxying(NamedTuple):
    """A running proxy: its address, and the head of every request received."""

    address: str
    heads: list[bytes]


@contextmanager
def proxying(answer: bytes = b"", *, to: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Proxying]:
    """Gives this answer to every request, or opens a tunnel to the port, for any host."""
    heads: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def _line(self) -> bytes:
            """The next line of the head, or b"" after the last one or if the client is gone."""
            return b"" if (line := self.rfile.readline()) == b"\r\n" else line

        def handle(self) -> None:
            head = b"".join(iter(self._line, b""))
            if not head:
                return
            heads.append(head)
            self.wfile.write(answer or b"HTTP/1.1 200 Connection established\r\n\r\n")
            if to:
                with socket.create_connection(("127.0.0.1", to)) as server:
                    _join(self.connection, server)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Proxying(f"127.0.0.1:{server.server_address[1]}", heads)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refusal(status: int, *headers: str) -> bytes:
    """An answer of a proxy that refuses the tunnel."""
    return "\r\n".join((f"HTTP/1.1 {status} No", "Content-Length: 0", *headers, "", "")).encode()


def _join(one: socket.socket, other: socket.socket) -> None:
    """Forwards bytes in both directions until one side is done."""

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            shutil.copyfileobj(source.makefile("rb", 0), target.makefile("wb", 0))
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    back = threading.Thread(target=pass_on, args=(other, one), daemon=True)
    back.start()
    pass_on(one, other)
    back.join()
