"""What all answers have in common."""

import msgspec
from aiohttp import web

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def json_answer(value: object, status: int = 200) -> web.Response:
    headers = {**HEADERS, "Content-Type": "application/json"}
    return web.Response(body=msgspec.json.encode(value), status=status, headers=headers)


def text_answer(text: str, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> web.Response:
    headers = {**HEADERS, "Content-Type": content_type}
    return web.Response(body=text.encode(), status=status, headers=headers)
