"""Contents in S3, Google Cloud Storage or Azure, by obstore. Credentials come from the stores' own variables.

Small contents are one request. Larger ones are a multipart upload, which is aborted if the contents raise.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from pyrus_etl.errors import SettingsError, TargetUnavailable
from pyrus_etl.files.ahead import Blocks, ahead
from pyrus_etl.files.check import Check
from pyrus_etl.files.contents import Contents
from pyrus_etl.files.unfinished import remove_unfinished
from pyrus_etl.settings import is_loopback

AT_ONCE = 2 << 20
"""Contents up to this size are one request."""
PART, PARTS_IN_FLIGHT, LARGE_IN_FLIGHT = 5 << 20, 1, 4
"""Bound the memory of large uploads."""
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
METADATA = "169.254.169.254"
"""Where a machine of the vendor's cloud would give credentials; it is asked only if no variable has them."""
RETRIES: Any = {"max_retries": 8, "retry_timeout": timedelta(seconds=40)}


class Objects:
    """A FileStore in a bucket."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._large = asyncio.Semaphore(LARGE_IN_FLIGHT)
        try:
            self._store: Any = from_url(unquote(target), retry_config=RETRIES, **_options(target))
        except (BaseError, ValueError) as error:
            raise self._unavailable(error) from None

    async def put(self, path: str, contents: Contents) -> None:
        async with aclosing(contents.blocks()) as blocks:
            first = await _first(blocks)
            kind = contents.media_type
            attributes: Any = {"Content-Type": kind} if kind and kind.isascii() else None
            if len(first) > AT_ONCE:
                async with self._large, aclosing(ahead(blocks)) as rest:
                    await self._in_parts(path, first, rest, contents.check, attributes)
                return
        await asyncio.to_thread(_checked, first, contents.check)
        with self._errors():
            await obstore.put_async(self._store, path, first, attributes=attributes, use_multipart=False)

    async def read(self, path: str) -> AsyncIterator[bytes]:
        with self._errors(may_be_missing=True):
            found = await obstore.get_async(self._store, path)
            async for block in found.stream():
                yield bytes(block)

    async def delete(self, path: str) -> None:
        try:
            with self._errors(may_be_missing=True):
                await obstore.delete_async(self._store, path)
        except FileNotFoundError:
            pass

    async def remove_unfinished(self) -> None:
        """For S3 only: Azure removes them by itself, and Google by a rule of the bucket."""
        parts = urlsplit(self.target)
        if parts.scheme != "s3":
            return
        with self._errors():
            await remove_unfinished(parts.netloc, unquote(parts.path).strip("/"), _endpoint(), _options(self.target))

    async def _in_parts(self, path: str, first: bytes, rest: Blocks, check: Check, attributes: Any) -> None:
        """A cancelled upload would stay unfinished, so its contents end with an error instead, which aborts it."""
        stopped = asyncio.Event()
        sent = _until(first, rest, check, stopped)
        uploading = asyncio.ensure_future(
            obstore.put_async(
                self._store, path, sent, attributes=attributes, chunk_size=PART, max_concurrency=PARTS_IN_FLIGHT
            )
        )
        try:
            with self._errors():
                await asyncio.shield(uploading)
        except asyncio.CancelledError:
            stopped.set()
            await asyncio.wait({uploading})
            raise

    @contextmanager
    def _errors(self, *, may_be_missing: bool = False) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if may_be_missing and "NoSuchBucket" not in str(error):
                raise FileNotFoundError(f"{self.target} does not have it") from None
            raise TargetUnavailable(f"{self.target} does not exist; create the bucket, or correct its name.") from None
        except BaseError as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> TargetUnavailable:
        reason = str(error).partition("\n")[0][:300]
        if METADATA in reason:
            names = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those of your store"
            return TargetUnavailable(f"{self.target} cannot be used without credentials; set {names}.")
        hint = "check the credentials in the store's own variables, the address and the rights"
        return TargetUnavailable(f"{self.target} cannot be used: {reason}; {hint}.")


async def _first(blocks: Blocks) -> bytes:
    """The first blocks, together more than `AT_ONCE`, or all there are."""
    first: list[bytes] = []
    async for block in blocks:
        first.append(block)
        if sum(map(len, first)) > AT_ONCE:
            break
    return b"".join(first)


def _checked(content: bytes, check: Check) -> None:
    check.add(content)
    check.verify()


async def _until(first: bytes, rest: Blocks, check: Check, stopped: asyncio.Event) -> Blocks:
    """Yields the blocks as they are checked; raises if they are wrong in the end, or if the upload is stopped."""
    stopping = asyncio.ensure_future(stopped.wait())
    block: bytes | None = first
    try:
        while block is not None:
            await asyncio.to_thread(check.add, block)
            yield block
            following = asyncio.ensure_future(anext(rest, None))
            await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopped.is_set():
                following.cancel()
                await asyncio.wait({following})
                raise InterruptedError("the upload was stopped")
            block = following.result()
        check.verify()
    finally:
        stopping.cancel()


def _endpoint() -> str | None:
    return next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), None)


def _options(target: str) -> dict[str, Any]:
    """What S3 needs beside its variables: leave to use plain http on loopback, where any key will do."""
    client = {"connect_timeout": "5s", "timeout": "120s"}
    if not target.startswith("s3:") or not (endpoint := _endpoint()):
        return {"client_options": client}
    parts = urlsplit(endpoint)
    if parts.scheme != "http":
        return {"client_options": client}
    if not is_loopback(parts.hostname or ""):
        raise SettingsError("AWS_ENDPOINT_URL: plain http would send the contents unencrypted; use https.")
    keys = {} if any(os.environ.get(name) for name in CREDENTIALS) else {"access_key_id": "-", "secret_access_key": "-"}
    return {"client_options": {**client, "allow_http": True}, **keys}
