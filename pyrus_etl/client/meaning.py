"""The meaning of an HTTP answer, decided without I/O: a body, or the reason why there is none."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.client.limits import pause_after_refusal


class Again(Exception):
    """This try failed, but another may succeed.

    `reached`: whether a server answered at all. `body`: the body that came instead of a good answer.
    """

    def __init__(self, reason: str, *, reached: bool = True, body: bytes | None = None) -> None:
        super().__init__(reason)
        self.reached = reached
        self.body = body


class QuotaSpent(Exception):
    """429: the request has to wait, which is not a failure. `after`: seconds to wait, if the server says."""

    def __init__(self, after: float | None) -> None:
        super().__init__("429, the quota is spent")
        self.after = after


class TokenRefused(Exception):
    """401: the token is expired, revoked or wrong."""


class Refused(Exception):
    """Another refusal (4xx); to repeat the request is of no use."""

    def __init__(self, status: int, complaint: "Complaint") -> None:
        super().__init__(f"{status} {complaint}")
        self.status = status


class Redirected(Refused):
    """A redirect (3xx), which is not followed."""


class AccessDenied(Refused):
    """403 or 404 from the API itself: the account may not see the object, or it does not exist."""


class Unreadable(Exception):
    """A good answer whose JSON is not of the expected kind; `body` is the body that came."""

    def __init__(self, reason: str, body: bytes) -> None:
        super().__init__(reason)
        self.body = body


class Complaint(NamedTuple):
    """The code and message of an error envelope; both are empty if there is no envelope."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code} ({self.message})" if self.code else "no reason given"


def is_complaint(status: int, body: bytes) -> bool:
    """Whether the answer is an error, including an error envelope with status 200."""
    return status != 200 or body.lstrip()[:1] == b"<" or b'"ApiException"' in body[:100]


def body_of(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Returns the body of a good answer; raises Again, QuotaSpent, TokenRefused or Refused for any other.

    A 403 or 404 counts as the API's own only if its body is the API's error envelope or empty: a refusal by a firewall
    says nothing about a task.
    """
    if status == 429:  # https://pyrus.com/en/help/api/errors-and-limits
        raise QuotaSpent(pause_after_refusal(headers))
    if status >= 500 or status == 408:
        raise Again(f"status {status}")
    if 300 <= status < 400:
        raise Redirected(status, Complaint("redirect", "set PYRUS_URL to the API's own origin"))
    if body.lstrip()[:1] == b"<" and status != 401:
        raise Again(f"status {status} with HTML instead of JSON; {_hint(status)}", body=body)
    complaint = _complaint(body) if is_complaint(status, body) else None
    if complaint is None:
        return body
    if status == 200:
        raise Again(f"status 200 with an error: {complaint}")
    if status == 401:  # "Errors" on https://pyrus.com/en/api-v3, for 403 and 404 too
        raise TokenRefused(str(complaint))
    if status in (403, 404):
        if body.strip() and not complaint.code:
            raise Again(f"status {status} without the error envelope of Pyrus's API; {_hint(status)}", body=body)
        raise AccessDenied(status, complaint)
    raise Refused(status, complaint)


def _hint(status: int) -> str:
    if status == 200:
        return "is PYRUS_URL the origin of a Pyrus?"
    return "a firewall or proxy seems to answer instead of Pyrus: allow this program to reach PYRUS_URL"


class _ApiException(msgspec.Struct, rename="pascal"):
    """The error envelope: "Errors" on https://pyrus.com/en/api-v3."""

    code: str = ""
    message: str = ""


class _Envelope(msgspec.Struct, rename="pascal"):
    api_exception: _ApiException


def _complaint(body: bytes) -> Complaint:
    try:
        parsed = msgspec.json.decode(storable(body), type=_Envelope).api_exception
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Complaint("", "")
    return Complaint(parsed.code[:200], parsed.message[:500])
