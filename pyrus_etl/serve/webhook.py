"""`POST /webhook`: a bot's webhook names a task, which is then fetched. Nothing else of its body is used.

https://pyrus.com/en/help/api/webhooks: Pyrus signs the body with the bot's security key. It sends a webhook again after
61 and 122 seconds if it gets no answer of success within a minute.
"""

import asyncio
import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from aiohttp import web

from pyrus_etl.client.decode import storable
from pyrus_etl.serve.answers import text_answer
from pyrus_etl.serve.hints import Hints
from pyrus_etl.settings import Secret

log = logging.getLogger(__name__)

LARGEST = 16 * 1024 * 1024
MOST_HELD = 8 * LARGEST
"""Bytes of bodies that are being received. Pyrus sends the next ones again."""
LONGEST_BODY = 30.0
"""Seconds in which a body must come."""
LONGEST_WAIT = 0.5
"""Seconds to wait until a hint is stored; the answer must come within one."""
OUTCOMES = ("accepted", "unreadable", "refused", "too_large", "busy", "broken")
LARGEST_ID = (1 << 63) - 1


class _Task(msgspec.Struct):
    id: object = None


class _Webhook(msgspec.Struct):
    """What is read of the body. The vendor's example has two ids, so both are asked for."""

    task_id: object = None
    task: msgspec.Raw = msgspec.Raw(b"{}")


class Receiver(NamedTuple):
    """A bot that gets webhooks: where the tasks go that they name, and the key that signs them."""

    hints: Hints
    key: Secret | None


class _Refused(Exception):
    """A webhook that is not read: the outcome that is counted, and the status of the answer."""

    def __init__(self, outcome: str, status: int) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.status = status


class _Held:
    """The bytes of the bodies that are being received: anybody may send some, and only then is the signature known."""

    bytes = 0


def webhook(receivers: Sequence[Receiver], outcomes: Counter[str]) -> web.RouteDef:
    """The path. `outcomes` counts what became of webhooks. Without a key, all are refused."""
    outcomes.update(dict.fromkeys(OUTCOMES, 0))
    return web.post("/webhook", partial(_webhook, receivers, outcomes, _Held()))


async def _webhook(
    receivers: Sequence[Receiver], outcomes: Counter[str], held: _Held, request: web.Request
) -> web.Response:
    try:
        body = await _body(request, held)
    except _Refused as refused:
        return _ended(outcomes, refused.outcome, refused.status)
    signature = request.headers.get("X-Pyrus-Sig", "")
    signers = [hints for hints, key in receivers if key and is_signed(body, key, signature)]
    if not signers:
        if not outcomes["refused"]:
            log.warning("a webhook has a wrong signature; if it is Pyrus's own, PYRUS_SECURITY_KEY is not its bot's")
        return _ended(outcomes, "refused", 401)
    if not (task_ids := named(body)):
        return _ended(outcomes, "unreadable", 200)
    await asyncio.gather(*(hints.take(task_ids, LONGEST_WAIT) for hints in signers))
    return _ended(outcomes, "accepted", 200)


def _ended(outcomes: Counter[str], outcome: str, status: int) -> web.Response:
    """The answer. It is empty on success, because Pyrus would write a text into the task as the bot's comment."""
    outcomes[outcome] += 1
    log.debug("webhook: %s", outcome)
    return text_answer("" if status == 200 else f"{outcome}\n", status)


async def _body(request: web.Request, held: _Held) -> bytes:
    """The body as it was sent; raises _Refused if it is too large, too slow, or one of too many."""
    if (request.content_length or 0) > LARGEST:
        raise _Refused("too_large", 413)
    body = bytearray()
    try:
        async with asyncio.timeout(LONGEST_BODY):
            async for chunk in request.content.iter_any():
                body += chunk
                held.bytes += len(chunk)
                if len(body) > LARGEST:
                    raise _Refused("too_large", 413)
                if held.bytes > MOST_HELD:
                    raise _Refused("busy", 503)
    except (TimeoutError, ConnectionError):
        raise _Refused("broken", 408) from None
    finally:
        held.bytes -= len(body)
    return bytes(body)


def is_signed(body: bytes, key: Secret, signature: str) -> bool:
    """Whether a signature is that of the body: HMAC-SHA1, in hex. Takes the same time whatever is wrong with it."""
    wanted = hmac.new(key.reveal().encode(), body, hashlib.sha1).hexdigest()
    given = signature.strip().lower().removeprefix("sha1=")
    return hmac.compare_digest(wanted.encode(), given.encode(errors="replace"))


def named(body: bytes) -> set[int]:
    """The ids of tasks that a body names; none if it is not that of a webhook."""
    try:
        read = msgspec.json.decode(storable(body), type=_Webhook)
        ids = (read.task_id, msgspec.json.decode(read.task, type=_Task).id)
    except (msgspec.DecodeError, RecursionError):
        return set()
    return {each for each in ids if isinstance(each, int) and not isinstance(each, bool) and 0 < each <= LARGEST_ID}
