"""What a request to Paymo carries: its login, its fields, the type of a file."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.tasks.contents import Upload, body_of, sent

Json = dict[str, Any]


def basic(request: web.BaseRequest) -> str:
    """User and password of HTTP Basic; of an API key, the password does not matter and is left out."""
    kind, _, word = request.headers.get("Authorization", "").partition(" ")
    try:
        text = base64.b64decode(word, validate=True).decode() if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""
    user = text.partition(":")[0]
    return text if "@" in user or not user else f"{user}:"


def media_type(upload: Upload) -> str:
    return "" if upload.media_type == "application/octet-stream" else upload.media_type


async def parameters(request: web.BaseRequest) -> Json:
    """The fields of a body: JSON, urlencoded or multipart."""
    if request.content_type == "multipart/form-data":
        return dict((await sent(request)).fields)
    body = await body_of(request)
    try:
        if request.content_type == "application/x-www-form-urlencoded":
            return {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        return msgspec.json.decode(body or b"{}", type=Json)
    except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
        raise Refused("BadFormat") from unreadable
