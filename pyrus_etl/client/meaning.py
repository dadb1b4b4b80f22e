"""What an HTTP answer of Pyrus means, apart from any I/O: a body, or the reason why there is none.

The rules are those of the vendor's pages on errors (https://pyrus.com/en/api-v3) and limits
(https://pyrus.com/en/help/api/errors-and-limits).
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.client.limits import pause_after_refusal


class Again(Exception):
    """No answer this time, but another try may bring one.

    `reached`: whether a server answered at all. `body`: what came in place of an answer.
    """

    def __init__(self, reason: str, *, reached: bool = True, body: bytes | None = None) -> None:
        super().__init__(reason)
        self.reached = reached
        self.body = body


class QuotaSpent(Exception):
    """429. No failure: the answer will come, `after` so many seconds if the server says so."""

    def __init__(self, after: float | None) -> None:
        super().__init__("429, the quota is spent")
        self.after = after


class TokenRefused(Exception):
    """401: the token is expired, revoked or wrong."""


class Refused(Exception):
    """Another refusal (4xx), which it is no use to repeat."""

    def __init__(self, status: int, complaint: "Complaint") -> None:
        super().__init__(f"{status} {complaint}")
        self.status = status


class Redirected(Refused):
    """A redirect (3xx), which is not followed."""


class AccessDenied(Refused):
    """403 or 404, by the API itself: the account may not see what was asked for, or it is not there."""


class Unreadable(Exception):
    """A good answer whose JSON is not of the kind that was asked for; `body` is what came."""

    def __init__(self, reason: str, body: bytes) -> None:
        super().__init__(reason)
        self.body = body


class Complaint(NamedTuple):
    """The code and message of an error envelope; both empty where there is none."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code} ({self.message})" if self.code else "no reason given"


def is_complaint(status: int, body: bytes) -> bool:
    """Whether this is no good answer, or says with 200 that it is none."""
    return status != 200 or body.lstrip()[:1] == b"<" or b'"ApiException"' in body[:100]


def body_of(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """The body of a good answer.

    Raises Again, QuotaSpent, TokenRefused or Refused. A 403 or 404 is the API's own only if its body is the API's error
    envelope, or empty; what a firewall refuses says nothing of a task.
    """
    if status == 429:
        raise QuotaSpent(pause_after_refusal(headers))
    if status >= 500 or status == 408:
        raise Again(f"status {status}")
    if 300 <= status < 400:
        raise Redirected(status, Complaint("redirect", "set PYRUS_URL to the API's own origin"))
    if body.lstrip()[:1] == b"<" and status != 401:
        raise Again(f"status {status} with HTML in place of JSON; {_hint(status)}", body=body)
    complaint = _complaint(body) if is_complaint(status, body) else None
    if complaint is None:
        return body
    if status == 200:
        raise Again(f"status 200 with an error: {complaint}")
    if status == 401:
        raise TokenRefused(str(complaint))
    if status in (403, 404):
        if body.strip() and not complaint.code:
            raise Again(f"status {status} without the error envelope of Pyrus's API; {_hint(status)}", body=body)
        raise AccessDenied(status, complaint)
    raise Refused(status, complaint)


def _hint(status: int) -> str:
    if status == 200:
        return "is PYRUS_URL the origin of a Pyrus?"
    return "a firewall or proxy seems to answer in Pyrus's place: let this program through to PYRUS_URL"


class _ApiException(msgspec.Struct, rename="pascal"):
    code: str = ""
    message: str = ""


class _Envelope(msgspec.Struct, rename="pascal"):
    api_exception: _ApiException


def _complaint(body: bytes) -> Complaint:
    try:
        told = msgspec.json.decode(storable(body), type=_Envelope).api_exception
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Complaint("", "")
    return Complaint(told.code[:200], told.message[:500])
