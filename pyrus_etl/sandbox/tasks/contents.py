"""The bytes of a service's files: computed from a word and a size, or as they were uploaded."""

from __future__ import annotations

from aiohttp import BodyPartReader, web

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.organisation.dice import mix

Contents = bytes | tuple[int, int]
BYTES_AT_A_TIME = 1 << 16


class Upload:
    """A file that was sent, and the fields beside it."""

    def __init__(self) -> None:
        self.name = ""
        self.media_type = ""
        self.content: bytes | None = None
        self.fields: dict[str, str] = {}


def size_of(contents: Contents) -> int:
    return len(contents) if isinstance(contents, bytes) else contents[1]


def bytes_of(contents: Contents) -> bytes:
    """The bytes; a pair of a word and a size means as many bytes that depend on the word."""
    if isinstance(contents, bytes):
        return contents
    word, size = contents
    return (mix(word).to_bytes(8, "big") * (size // 8 + 1))[:size]


async def sent(request: web.BaseRequest, field: str | None = None) -> Upload:
    """The parts of a multipart body: the file is the part with this name, or the first one that has a file name."""
    upload = Upload()
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise Refused("BadFormat")
        is_file = part.filename is not None and upload.content is None and field in (None, part.name)
        content = await whole(part)
        if is_file:
            upload.name, upload.content = part.filename or "", content
            upload.media_type = part.headers.get("Content-Type", "")
        else:
            upload.fields[part.name or ""] = content.decode()
    return upload


async def whole(part: BodyPartReader) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(BYTES_AT_A_TIME):
        content += chunk
    return bytes(content)


async def body_of(request: web.BaseRequest) -> bytes:
    """The body of a request, however long it is."""
    return b"".join([chunk async for chunk in request.content.iter_chunked(BYTES_AT_A_TIME)])
