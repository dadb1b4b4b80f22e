"""Asks a file service; any answer but content becomes an error with a sentence."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pyrus_etl.client.client import Client
from pyrus_etl.client.dialect import Dialect
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused, TokenRefused, Unreadable
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import AnswerLost, BodyCut, FileRefused, LoginRefused, PyrusEtlError, PyrusUnreachable

log = logging.getLogger(__name__)
T = TypeVar("T")

UNKNOWN_FILE = ("unrecognized_attachment_id", "BehavioralUnrecognizedAttachmentId")
"""Pyrus's codes, in both APIs, for an id that neither an attachment nor an upload has; their status is 400."""
MOST_WRITES = 5
"""How often a write is sent at most, if its answers are lost and its effect is absent, or its contents break off."""


async def ask(client: Client, dialect: Dialect, request: Request[T], what: str) -> Answer[T]:
    """The answer to a request. `what`: the thing that it is about, such as "file 55".

    Raises FileRefused, LoginRefused or PyrusUnreachable; AnswerLost if the request writes and may have been applied.
    """
    outcome = await client.ask(request)
    if isinstance(outcome, Answer):
        return outcome
    if request.once and (isinstance(outcome, Again | Unreadable) or _broke_off(outcome)):
        raise AnswerLost(f"{dialect.service} gave no clear answer about {what}: {outcome}; look whether it was done.")
    raise refused(dialect, what, outcome)


def _broke_off(failure: Failure) -> bool:
    """Whether a service failed over a request that it calls wrong; a write may be half done then."""
    return isinstance(failure, Refused) and failure.status >= 500


async def settled(send: Callable[[], Awaitable[T]], look: Callable[[], Awaitable[T | None]], pause: float) -> T:
    """Sends a write, `MOST_WRITES` times at most. If its answer is lost, looks for its effect before it is sent again.

    If contents that the write streams break off, the service got no whole request, so it is sent again at once. A write
    that the service says it applied, and one that `send` itself has settled, are never sent again. `pause`: seconds
    after which the service is done with a request whose answer was lost. Raises AnswerLost, and BodyCut.
    """
    for tries_left in reversed(range(MOST_WRITES)):
        try:
            return await send()
        except AnswerLost as error:
            log.debug("looking for the effect of a write: %s", error)
            if (found := await _found(look, pause)) is not None:
                return found
            error.is_final |= not tries_left
            if error.is_final:
                raise
        except BodyCut:
            if not tries_left:
                raise
    raise AssertionError("the last try returns or raises")


async def _found(look: Callable[[], Awaitable[T | None]], pause: float) -> T | None:
    """Looks at once, and again after the pause."""
    if (found := await look()) is not None:
        return found
    await asyncio.sleep(pause)
    return await look()


async def check(client: Client, dialect: Dialect, path: str) -> None:
    """Asks for something small; raises LoginRefused or PyrusUnreachable if the service as a whole cannot be used."""
    outcome = await client.ask(Request("GET", path, lambda body: body))
    if isinstance(outcome, Again | TokenRefused):
        raise refused(dialect, path, outcome)


def refused(dialect: Dialect, what: str, failure: Failure) -> PyrusEtlError:
    """The error of a request without content."""
    service, setting = dialect.service, dialect.setting
    reason = str(failure).rstrip(".")
    match failure:
        case TokenRefused():
            return LoginRefused(f"{service} refused {dialect.credential}: {reason}; get a new one.")
        case Denied() | Refused() if failure.status == 404 or failure.api_error.code in UNKNOWN_FILE:
            return _of_file(f"{service} does not know {what} ({reason}); check its id.", failure)
        case Denied() | Refused(is_redirect=False):
            return _of_file(f"{service} refuses {what}: {reason}; check what this account may do.", failure)
        case Again(body=None):
            return PyrusUnreachable(f"{service} failed to answer about {what} ({reason}); try again later.")
    return PyrusUnreachable(f"{setting} does not answer about {what} as {service} does ({reason}); check {setting}.")


def _of_file(message: str, failure: Denied | Refused) -> FileRefused:
    api_error = failure.api_error
    return FileRefused(message, status=failure.status, code=api_error.code, shown_code=api_error.shown_code)
