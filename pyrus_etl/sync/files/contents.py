"""The contents of one file: requested, checked on the way, and stored."""

import asyncio

from pyrus_etl.client.meaning import Again, Denied, Failure, Refused
from pyrus_etl.errors import BodyCut, BodyTooLarge, FileRefused, PyrusUnreachable
from pyrus_etl.extract.files.refusals import UNKNOWN_FILE
from pyrus_etl.files.check import Corrupt
from pyrus_etl.files.names import safe_name
from pyrus_etl.files.store import FileStore
from pyrus_etl.files.target import uri_of
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.schema.attachment import Outcome
from pyrus_etl.sync.files.arriving import Arriving, NotGiven, TooLarge
from pyrus_etl.sync.flow import Limits
from pyrus_etl.sync.plan import Run

MOST_TRIES = 3
_REFUSED = {403: "denied", 404: "missing", 410: "denied"}
"""What it means if a service refuses to describe a file."""


def limits_for(limits: Limits) -> Limits:
    """The limits of a flow of files: while some are requested, others are stored, which takes no request.

    Few are chosen ahead: what is chosen has been announced, and a kill leaves the next run to look for it.
    """
    return limits._replace(fetchers=2 * limits.fetchers, queued=limits.fetchers)


async def fetch(file: ServiceFile, path: str, run: Run, store: FileStore, most_bytes: int | None) -> Outcome | None:
    """Stores the contents of a file at a path below the target; None if only they show that they exceed the limit.

    Contents of another size or MD5 are requested `MOST_TRIES` times. Raises what ends the run.
    """
    source, retry = run.session.source, run.session.waits.requests
    corrupt, cuts, requests = 0, 0, 0
    while True:
        arriving = Arriving(file, source.files, retry, most_bytes, requests)
        try:
            return await _stored(path, arriving, store)
        except TooLarge:
            return None
        except (BodyCut, Corrupt) as error:
            requests = arriving.requests
            cuts, corrupt = cuts + isinstance(error, BodyCut), corrupt + isinstance(error, Corrupt)
            if corrupt >= MOST_TRIES or corrupt + cuts >= retry.attempts:
                return _not_stored("corrupt", requests, str(error))
            await asyncio.sleep(retry.pause(corrupt + cuts) if cuts else 0)
        except NotGiven as error:
            if isinstance(error.failure, Again):
                await source.profile()  # raises if it is not this file alone
            return _not_stored(_status(error.failure), arriving.requests, str(error))
        except FileRefused as error:
            return _not_stored(_REFUSED.get(error.status, "failed"), arriving.requests, str(error))
        except BodyTooLarge as error:
            return _not_stored("failed", arriving.requests, str(error))
        except PyrusUnreachable as error:
            await source.profile()  # raises if it is not this file alone
            return _not_stored("failed", arriving.requests, str(error))


def path_of(file_id: object, name: str | None) -> str:
    """Where contents are stored below a target."""
    return f"{safe_name(str(file_id))}/{safe_name(name)}"


async def _stored(path: str, arriving: Arriving, store: FileStore) -> Outcome:
    check = arriving.check
    await store.put(path, arriving)
    return Outcome(
        "stored",
        arriving.requests,
        stored_uri=uri_of(store.target, path),
        size_bytes=check.size,
        sha256=check.sha256,
        media_type=_storable(arriving.media_type),
    )


def _status(failure: Failure) -> str:
    match failure:
        case Denied(status=404):
            return "missing"
        case Denied():
            return "denied"
        case Refused(api_error=api_error) if api_error.code in UNKNOWN_FILE:
            return "missing"
    return "failed"


def _not_stored(status: str, attempts: int, error: str) -> Outcome:
    return Outcome(status, attempts, error=_storable(error))


def _storable(text: str | None) -> str | None:
    return text and text.replace("\0", "\ufffd").encode(errors="replace").decode()
