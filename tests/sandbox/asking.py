"""Requests to the sandbox's file services, without the project's own client."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from contextlib import closing
from email.message import Message
from typing import Any, NamedTuple

BOUNDARY = "a-boundary-of-tests"


class Reply(NamedTuple):
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
    """One request; a redirect is an answer like any other. `Content_Type=…` is a header."""
    parts = urllib.parse.urlsplit(url)
    target = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
    with closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:
        connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())


def as_json(given: Any) -> dict[str, Any]:
    """Keyword arguments for a JSON body."""
    return {"body": json.dumps(given).encode(), "Content_Type": "application/json"}


def as_form(content: bytes, name: str, field: str = "file", **fields: Any) -> dict[str, Any]:
    """Keyword arguments for a form with a file and these fields, as `curl -F` sends them."""
    parts = [(f'name="{field}"; filename="{name}"\r\nContent-Type: application/octet-stream', content)]
    parts += [(f'name="{key}"', str(value).encode()) for key, value in fields.items()]
    lines = [
        b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), head.encode(), body)
        for head, body in parts
    ]
    whole = b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()
    return {"body": whole, "Content_Type": f"multipart/form-data; boundary={BOUNDARY}"}
