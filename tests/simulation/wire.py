"""A proxy to PostgreSQL that can lose the answer to a commit: it succeeds, and the client never learns of it."""

import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from urllib.parse import quote

import psycopg

from pyrus_etl.settings import Secret

COMMITTED = b"C" + struct.pack("!i", 11) + b"COMMIT\0"
SOCKET = ".s.PGSQL.5432"


class Wire:
    """Counts the commits, and loses the answers to those whose numbers were given to `lose`."""

    def __init__(self, url: Secret) -> None:
        self.url = url
        self.lost = 0
        self._lose: set[int] = set()
        self._commits = 0

    def lose(self, numbers: set[int]) -> None:
        """Starts counting again; loses the answers to these commits."""
        self._lose, self._commits, self.lost = numbers, 0, 0

    def loses(self) -> bool:
        """Counts a commit; returns whether to lose its answer."""
        self._commits += 1
        self.lost += self._commits in self._lose
        return self._commits in self._lose


@contextmanager
def wired(database: Secret) -> Iterator[Wire]:
    """A wire to the database until the block ends."""
    parts = psycopg.conninfo.conninfo_to_dict(database.reveal())
    upstream = str(Path(str(parts["host"])) / f".s.PGSQL.{parts['port']}")
    with tempfile.TemporaryDirectory(prefix="wire-") as folder:
        wire = Wire(Secret(f"postgresql://postgres@/{parts['dbname']}?host={quote(folder, safe='')}&port=5432"))

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                with socket.socket(socket.AF_UNIX) as server, suppress(OSError):
                    server.connect(upstream)
                    threading.Thread(target=_pass_on, args=(self.connection, server), daemon=True).start()
                    _answer(server, self.connection, wire)
                    self.connection.shutdown(socket.SHUT_RDWR)

        with ThreadingUnixStreamServer(f"{folder}/{SOCKET}", Handler) as listening:
            listening.daemon_threads, listening.block_on_close = True, False
            thread = threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            try:
                yield wire
            finally:  # a thread that still waits at a number of a file would delay the end of another file with it
                listening.shutdown()
                thread.join()


def _pass_on(client: socket.socket, server: socket.socket) -> None:
    with suppress(OSError):
        while part := client.recv(1 << 16):
            server.sendall(part)
    with suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)


def _answer(server: socket.socket, client: socket.socket, wire: Wire) -> None:
    """Passes messages on one by one, until one must be lost."""
    with server.makefile("rb") as stream:
        while head := stream.read(5):
            message = head + stream.read(struct.unpack("!i", head[1:])[0] - 4)
            if message == COMMITTED and wire.loses():
                return
            client.sendall(message)
