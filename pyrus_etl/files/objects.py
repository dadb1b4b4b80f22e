"""Contents in S3, Google Cloud Storage or Azure, by obstore. Credentials come from the stores' own variables.

Small contents are one request. Larger ones are a multipart upload, which is aborted if the contents raise.
"""

import asyncio
import json
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
from pyrus_etl.files.faults import sentence
from pyrus_etl.files.unfinished import remove_unfinished
from pyrus_etl.settings import is_loopback

AT_ONCE = 2 << 20
"""Contents up to this size are one request."""
CHECKED_HERE = 1 << 17
"""Bytes whose digests take less time than to have another thread compute them."""
PART, PARTS_IN_FLIGHT, LARGE_IN_FLIGHT = 5 << 20, 1, 4
"""Bound the memory of large uploads."""
ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("STORAGE_EMULATOR_HOST",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
"""Scheme → the variables that name another server, the first of them that is set."""
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
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
        if len(first) > CHECKED_HERE:
            await asyncio.to_thread(_checked, first, contents.check)
        else:
            _checked(first, contents.check)
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
            await remove_unfinished(
                parts.netloc, unquote(parts.path).strip("/"), _endpoint("s3")[1], _options(self.target)
            )

    async def remove_abandoned(self) -> None:
        """Nothing was kept: obstore cannot continue an upload."""

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
            if may_be_missing and not any(code in str(error) for code in NO_BUCKET):
                raise FileNotFoundError(f"{self.target} does not have it") from None
            raise TargetUnavailable(f"{self.target} does not exist; create the bucket, or correct its name.") from None
        except BaseError as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> TargetUnavailable:
        return TargetUnavailable(sentence(self.target, str(error)))


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


def _endpoint(scheme: str) -> tuple[str, str]:
    """The variable that names another server, and its value; both empty if none does."""
    found = ((name, os.environ[name]) for name in ENDPOINTS[scheme] if os.environ.get(name))
    return next(found, ("", ""))


def _options(target: str) -> dict[str, Any]:
    """What a store needs beside its variables: leave to use plain http on loopback, where any key will do."""
    client: dict[str, Any] = {"connect_timeout": "5s", "timeout": "120s"}
    scheme = urlsplit(target).scheme
    variable, endpoint = _endpoint(scheme)
    parts = urlsplit(endpoint)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingsError(f"{variable}: plain http would send the contents unencrypted; use https.")
    client |= {"allow_http": True} if parts.scheme == "http" else {}
    return {"client_options": client, **_keys(scheme, endpoint, is_local=parts.scheme == "http")}


def _keys(scheme: str, endpoint: str, *, is_local: bool) -> dict[str, Any]:
    if scheme == "gs" and endpoint:  # obstore reads the address of an emulator from the key only
        key = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": "", "private_key": ""}
        return {"service_account_key": json.dumps({**key, "private_key_id": ""})}
    is_given = any(os.environ.get(name) for name in CREDENTIALS)
    return {"access_key_id": "-", "secret_access_key": "-"} if scheme == "s3" and is_local and not is_given else {}
