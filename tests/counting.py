"""A server that counts the bytes of a body, and keeps none of them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def counting(answer: bytes) -> Iterator[str]:
    """Yields its URL. `answer`: the body of each answer to a POST, with %d for the number of bytes that came."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            left = length = int(self.headers["Content-Length"])
            while left and (piece := self.rfile.read(min(left, 1 << 20))):
                left -= len(piece)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer % (length - left))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
