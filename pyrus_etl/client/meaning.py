"""The meaning of an HTTP answer, decided without I/O: its content, or the reason why it has none.

The model is `decipher_response` of gidgethub:
https://github.com/gidgethub/gidgethub/blob/main/gidgethub/sansio.py. What differs from service to service is in a
`Dialect`. What was served decides; only what is shown or stored of it is masked, because a key may be a common word.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import msgspec

from pyrus_etl.client.dialect import ApiError, Dialect, Headers
from pyrus_etl.client.masking import masked
from pyrus_etl.client.quota.limits import pause_after_refusal
from pyrus_etl.settings import Secret

T = TypeVar("T")
Mask = Callable[[bytes], bytes]

NO_FILE = (403, 404, 410)
NOT_FOLLOWED = ApiError("redirect", "too many in a row, or to an address that is not https")


class Read(NamedTuple, Generic[T]):
    """The content of a good answer."""

    value: T


class Again(msgspec.Struct, frozen=True):
    """This try failed, but another one may succeed.

    `body`: the body that came in place of a good answer. `reached`: whether a server answered at all.
    """

    reason: str
    body: bytes | None = None
    reached: bool = True

    def __str__(self) -> str:
        return self.reason


def not_available(what: object, failure: Again) -> str:
    """The sentence for a request that failed to the end. 503 is what a busy service answers (RFC 9110, 15.6.4)."""
    state = "is busy" if failure.reason == "status 503" else "is not available"
    return f"{what} {state} ({failure}); try again later."


class QuotaSpent(msgspec.Struct, frozen=True):
    """The request has to wait, which is not a failure. `after`: seconds to wait, if the server says."""

    after: float | None


class TokenRefused(msgspec.Struct, frozen=True):
    """401: the token is expired, revoked or wrong."""

    api_error: ApiError

    def __str__(self) -> str:
        return str(self.api_error)


class Refused(msgspec.Struct, frozen=True):
    """Another refusal, or a redirect that is not followed; to repeat the request is of no use.

    It is a 4xx, or a 5xx whose envelope says that the request is wrong.

    The status is 0 if the request was not even sent.
    """

    status: int
    api_error: ApiError

    @property
    def is_redirect(self) -> bool:
        return 300 <= self.status < 400

    def __str__(self) -> str:
        return f"{self.status} {self.api_error}" if self.status else str(self.api_error)


class Denied(msgspec.Struct, frozen=True):
    """403 or 404 from the API itself: the account may not see the object, or it does not exist.

    For a file, from whoever stores it, and also 410.
    """

    status: int
    api_error: ApiError

    def __str__(self) -> str:
        return f"{self.status} {self.api_error}"


class Unreadable(msgspec.Struct, frozen=True):
    """A good answer whose JSON is not of the expected kind."""

    reason: str
    body: bytes

    def __str__(self) -> str:
        return self.reason


Failure = Again | TokenRefused | Refused | Denied | Unreadable
"""Why a request has no content, in the end."""


def meaning_of(
    status: int,
    headers: Headers,
    body: bytes,
    dialect: Dialect,
    read: Callable[[bytes], T],
    *secrets: Secret | None,
) -> Read[T] | QuotaSpent | Failure:
    """What an answer means; `read` reads the content, and `secrets` are masked.

    `read` raises msgspec.DecodeError if the body is not JSON: it may be cut short, so another try may help. It raises
    msgspec.ValidationError if the JSON is of another kind, which is final.
    """

    def mask(text: bytes) -> bytes:
        return masked(text, *secrets)

    if failure := _failure_by_status(status, headers, dialect):
        api_error = dialect.api_error(status, body) if isinstance(failure, Again) else None
        return Refused(status, api_error.masked_by(mask)) if api_error and api_error.is_final else failure
    is_markup = body.lstrip()[:1] == b"<"
    if status not in dialect.good or is_markup or dialect.api_error(status, body):
        return _failure_by_body(status, body, dialect, mask, is_markup=is_markup)
    try:
        return Read(read(body))
    except msgspec.ValidationError as error:
        return Unreadable(str(error), mask(body))
    except msgspec.DecodeError as error:
        return Again(f"a body that is not JSON ({error})", mask(body))


def meaning_of_file(
    status: int, headers: Headers, body: bytes, dialect: Dialect, *secrets: Secret | None
) -> QuotaSpent | Failure | None:
    """Why an answer of the service is not the file that was asked for; None if it is.

    The status alone decides, because a file may be of any type, HTML too. `body`: the first bytes of an answer that is
    no file.
    """
    if _has_file(status, dialect):
        return None
    if 300 <= status < 400:
        return Refused(status, NOT_FOLLOWED)
    if failure := _failure_by_status(status, headers, dialect):
        return failure
    api_error = _error_in(status, body, dialect, lambda text: masked(text, *secrets)) or ApiError()
    if status == 401:
        return TokenRefused(api_error)
    return (Denied if status in NO_FILE else Refused)(status, api_error)


def meaning_elsewhere(status: int) -> Failure | None:
    """The same for an answer of another host, to which the service redirects: its quota and its logins are not ours."""
    if status in (200, 206):
        return None
    if status >= 500 or status in (408, 429):
        return Again(f"status {status} of the host that stores the file")
    if 300 <= status < 400:
        return Refused(status, NOT_FOLLOWED)
    return (Denied if status in NO_FILE else Refused)(status, ApiError())


def _has_file(status: int, dialect: Dialect) -> bool:
    return status in dialect.good or status == 206


def _failure_by_status(status: int, headers: Headers, dialect: Dialect) -> QuotaSpent | Again | Refused | None:
    """The failure of an answer whose body does not matter."""
    if dialect.is_quota_spent(status, headers):
        return QuotaSpent(pause_after_refusal(headers, dialect.quota))
    if status >= 500 or status == 408:
        return Again(f"status {status}")
    if 300 <= status < 400:
        return Refused(status, ApiError("redirect", f"set {dialect.setting} to the API's own origin"))
    return None


def _error_in(status: int, body: bytes, dialect: Dialect, mask: Mask) -> ApiError | None:
    """The error envelope of an answer, read as it was served; what it shows is masked."""
    found = dialect.api_error(status, body)
    return found.masked_by(mask) if found else None


def _failure_by_body(status: int, body: bytes, dialect: Dialect, mask: Mask, *, is_markup: bool) -> Failure:
    """The failure that the status and the body show.

    A 403 or 404 counts as the API's own only if its body is the API's error envelope or empty: a refusal by a firewall
    says nothing about a task. With `Dialect.needs_envelope` off, any body will do.
    """
    if is_markup and status != 401 and (dialect.needs_envelope or status in dialect.good):
        return Again(f"status {status} with HTML instead of JSON; {_hint(status, dialect)}", mask(body))
    found = _error_in(status, body, dialect, mask)
    api_error = found or ApiError()
    if status in dialect.good:
        return Again(f"status {status} with an error: {api_error}")
    if status == 401:
        return TokenRefused(api_error)
    if status not in (403, 404):
        return Refused(status, api_error)
    if body.strip() and not found and dialect.needs_envelope:
        return Again(
            f"status {status} without the error envelope of {dialect.service}'s API; {_hint(status, dialect)}",
            mask(body),
        )
    return Denied(status, api_error)


def _hint(status: int, dialect: Dialect) -> str:
    if status in dialect.good:
        return f"is {dialect.setting} the origin of {dialect.service}?"
    return (
        f"a firewall or proxy seems to answer instead of {dialect.service}: "
        f"allow this program to reach {dialect.setting}"
    )
