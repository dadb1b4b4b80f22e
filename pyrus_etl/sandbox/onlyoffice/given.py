"""The parameters of a request, from its query and its body. Their names are in any case."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec
from aiohttp import web

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.onlyoffice.wording import wrapped
from pyrus_etl.sandbox.tasks.contents import body_of, sent

Json = dict[str, Any]


class Given:
    """Parameters by name in lower case, a file if one was sent, and the part of a list that was asked for."""

    def __init__(self, parameters: Json, most: int, name: str = "", content: bytes | None = None) -> None:
        self.parameters = {key.lower(): value for key, value in parameters.items()}
        self.name = name
        self.content = content
        self.start = self.integer("startindex") or 0
        self.count = min(self.integer("count") or most, most)

    def text(self, name: str) -> str:
        return str(self.parameters.get(name, ""))

    def yes(self, name: str) -> bool:
        return self.text(name).lower() == "true"

    def integer(self, name: str) -> int | None:
        """None if it is missing; refused if it is not a whole number."""
        text = self.text(name)
        if text and not text.isdecimal():
            raise Refused("BadFormat", about=f"{name} is not a number")
        return int(text) if text else None

    def items(self, name: str) -> list[Any]:
        """A list: a JSON array, one value, or `name[]`."""
        found = self.parameters.get(name, self.parameters.get(f"{name}[]", []))
        return found if isinstance(found, list) else [found]

    def page(self, found: list[Json], *, total: bool = True) -> Json:
        """The part of a list that was asked for, never more than the portal's own limit; nextIndex if there is more."""
        page = found[self.start : self.start + self.count]
        end = self.start + len(page)
        more = {"nextIndex": end} if end < len(found) else {}
        return wrapped(page, startIndex=self.start, **more, **({"total": len(found)} if total else {}))


async def of_request(request: web.BaseRequest, most: int) -> Given:
    query = dict(request.query)
    kind = request.content_type
    if kind == "multipart/form-data":
        upload = await sent(request)
        return Given(query | upload.fields, most, upload.name, upload.content)
    body = await body_of(request)
    if "Content-Disposition" in request.headers or request.path.lower().partition(".json")[0].endswith("/insert"):
        return Given(query, most, disposed(request.headers.get("Content-Disposition", "")), body)
    return Given(query | parsed(kind, body), most)


def parsed(kind: str, body: bytes) -> Json:
    """The parameters of a JSON or an urlencoded body."""
    try:
        if kind == "application/x-www-form-urlencoded":
            values = parse_qs(body.decode(), keep_blank_values=True)
            return {name: found if name.endswith("[]") else found[-1] for name, found in values.items()}
        return msgspec.json.decode(body or b"{}", type=Json) if kind == "application/json" else {}
    except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
        raise Refused("BadFormat") from unreadable


def disposed(header: str) -> str:
    """The file name in a Content-Disposition header."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key.lower() == "filename*":
            return unquote(value.rpartition("''")[2])
        if key.lower() == "filename":
            return value.strip('"')
    return ""
