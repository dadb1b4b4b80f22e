"""The contents of one file: requested, checked on the way, and stored."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from pyrus_etl.client.file import Download
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused
from pyrus_etl.errors import BodyCut, BodyTooLarge, FileRefused, PyrusUnreachable
from pyrus_etl.extract.refusals import UNKNOWN_FILE
from pyrus_etl.files.names import safe_name
from pyrus_etl.files.store import FileStore
from pyrus_etl.files.target import uri_of
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.schema.attachment import Outcome
from pyrus_etl.sync.plan import Run

BLOCK = 1 << 20
MOST_TRIES = 3
_REFUSED = {403: "denied", 404: "missing", 410: "denied"}
"""What it means if a service refuses to describe a file."""


class _Corrupt(Exception):
    """The contents are whole, but others than stated."""


class _TooLarge(Exception):
    """The contents exceed --max-size."""


@dataclass
class _Check:
    """What is known of contents on their way."""

    size: int = 0
    sha256: Any = field(default_factory=hashlib.sha256)
    md5: Any = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))


async def fetch(file: ServiceFile, run: Run, store: FileStore, most_bytes: int | None) -> Outcome | None:
    """Stores the contents of a file; None if only they show that they exceed the limit.

    Contents of another size or MD5 are requested `MOST_TRIES` times. Raises what ends the run.
    """
    attempts, cuts = 0, 0
    while True:
        attempts += 1
        try:
            return await _fetched(file, run, store, most_bytes, attempts)
        except _TooLarge:
            return None
        except (BodyCut, _Corrupt) as error:
            cuts += isinstance(error, BodyCut)
            waits = run.session.waits.requests
            if attempts - cuts >= MOST_TRIES or attempts >= waits.attempts:
                return _not_stored("corrupt", attempts, str(error))
            await asyncio.sleep(waits.pause(attempts) if cuts else 0)
        except FileRefused as error:
            return _not_stored(_REFUSED.get(error.status, "failed"), attempts, str(error))
        except BodyTooLarge as error:
            return _not_stored("failed", attempts, str(error))
        except PyrusUnreachable as error:
            await run.session.source.profile()  # raises if it is not this file alone
            return _not_stored("failed", attempts, str(error))


async def _fetched(file: ServiceFile, run: Run, store: FileStore, most_bytes: int | None, attempts: int) -> Outcome:
    async with run.session.source.files.open(file) as found:
        if isinstance(found, Again):
            await run.session.source.profile()  # raises if it is not this file alone
        if not isinstance(found, Download):
            return _not_stored(_status(found), attempts, str(found))
        path, check = f"{safe_name(file.file_id)}/{safe_name(file.name)}", _Check()
        await store.put(path, _checked(found.chunks, file, check, most_bytes), found.media_type)
        return Outcome(
            "stored",
            attempts,
            stored_uri=uri_of(store.target, path),
            size_bytes=check.size,
            sha256=check.sha256.hexdigest(),
            media_type=_storable(found.media_type),
        )


async def _checked(
    chunks: AsyncIterator[bytes], file: ServiceFile, check: _Check, most_bytes: int | None
) -> AsyncGenerator[bytes, None]:
    """Yields the contents in blocks. Raises _Corrupt if they are others than stated, and _TooLarge."""
    block = bytearray()
    async for chunk in chunks:
        block += chunk
        check.size += len(chunk)
        if file.size_bytes is not None and check.size > file.size_bytes:
            raise _Corrupt(f"it has more than the stated {file.size_bytes:,} bytes")
        if most_bytes is not None and check.size > most_bytes:
            raise _TooLarge
        if len(block) >= BLOCK:
            yield _noted(block, check)
            block = bytearray()
    last = _noted(block, check)
    if file.size_bytes is not None and check.size != file.size_bytes:
        raise _Corrupt(f"it has {check.size:,} bytes, not the stated {file.size_bytes:,}")
    if file.md5 and (found := check.md5.hexdigest()) != file.md5.strip().lower():
        raise _Corrupt(f"its MD5 is {found}, not the stated {file.md5}")
    if last:
        yield last


def _noted(block: bytearray, check: _Check) -> bytes:
    check.sha256.update(block)
    check.md5.update(block)
    return bytes(block)


def _status(failure: Failure) -> str:
    match failure:
        case Denied(status=404):
            return "missing"
        case Denied():
            return "denied"
        case Refused(complaint=complaint) if complaint.code in UNKNOWN_FILE:
            return "missing"
    return "failed"


def _not_stored(status: str, attempts: int, error: str) -> Outcome:
    return Outcome(status, attempts, error=_storable(error))


def _storable(text: str | None) -> str | None:
    return text and text.replace("\0", "\ufffd").encode(errors="replace").decode()
