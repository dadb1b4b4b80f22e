"""A form with one file, as browsers send it (RFC 7578): streamed, so that the file may have any size."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple
from uuid import uuid4

from pyrus_etl.errors import FileRefused

ANY_TYPE = "application/octet-stream"
SLOWEST = 32 << 10
"""Bytes per second below which an upload is given up, after its first ten minutes."""
LONGEST = 86_400.0
"""Seconds for an upload of unknown size."""

_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:;[ -~]*)?", re.ASCII)
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A", "\0": "\ufffd"})
"""https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data"""


class Contents(NamedTuple):
    """The contents of a file that is to be sent.

    `size`: in bytes; None if it is not known before the end. `open` begins the contents again, for each try; what it
    raises ends the request, so that the server gets no whole file.
    """

    name: str
    size: int | None
    media_type: str
    open: Callable[[], AsyncIterator[bytes]]


class Form(NamedTuple):
    """The fields of a form, then a file in the field named `file`."""

    fields: Sequence[tuple[str, str]]
    contents: Contents

    def sending(self) -> "Sending":
        """The form, ready to be sent once."""
        return Sending(self, uuid4().hex)


class Sending:
    """A form that is being sent; close it at the end. `error`: why its contents ended early, if they did."""

    def __init__(self, form: Form, boundary: str) -> None:
        self._contents = form.contents
        self._head = _head(form, boundary)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._boundary = boundary
        self._rest = form.contents.open()
        self._first: bytes | None = None
        self._whole: AsyncGenerator[bytes, None] | None = None
        self.error: Exception | None = None

    async def begin(self) -> None:
        """Reads the first piece of the contents, so that nothing is sent if they cannot be had at all."""
        self._first = await anext(self._rest, None)

    async def close(self) -> None:
        """Closes the contents, which may hold a connection open."""
        for opened in (self._whole, self._rest):
            if isinstance(opened, AsyncGenerator):
                with suppress(RuntimeError):  # it is being read at this moment, by a request that has been given up
                    await opened.aclose()

    @property
    def headers(self) -> dict[str, str]:
        """Content-Length is left out if the size of the file is not known; the form is sent in chunks then."""
        size = self._contents.size
        length = {} if size is None else {"Content-Length": str(len(self._head) + size + len(self._tail))}
        return {"Content-Type": f"multipart/form-data; boundary={self._boundary}", **length}

    def longest(self, answer: float) -> float:
        """Seconds that the whole exchange may take, if the answer alone may take `answer`."""
        size = self._contents.size
        return answer + (LONGEST if size is None else size / SLOWEST)

    def pieces(self) -> AsyncIterator[bytes]:
        """Yields the form once; raises FileRefused if the file has not the size that was announced."""
        self._whole = self._pieces()
        return self._whole

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            yield self._head
            sent, piece = 0, self._first
            while piece is not None:
                sent += len(piece)
                self._check(sent)
                yield piece
                piece = await anext(self._rest, None)
            self._check(sent, is_whole=True)
        except Exception as error:
            self.error = error
            raise
        yield self._tail

    def _check(self, sent: int, *, is_whole: bool = False) -> None:
        size = self._contents.size
        if size is not None and (sent > size or (is_whole and sent != size)):
            more = "more" if sent > size else f"{sent:,}"
            raise FileRefused(f"{self._contents.name!r} should have {size:,} bytes and has {more}; try again.")


def _media_type(text: str) -> str:
    """The type as a header may have it."""
    return text if _MEDIA_TYPE.fullmatch(text) else ANY_TYPE


def _head(form: Form, boundary: str) -> bytes:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}' for name, text in form.fields
    ]
    name = form.contents.name.translate(_ESCAPES)
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {_media_type(form.contents.media_type)}\r\n\r\n"
    )
    return "\r\n".join(parts).encode(errors="replace")
