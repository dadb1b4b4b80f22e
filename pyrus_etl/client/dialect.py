"""How a service words its answers. Everything that the client knows of a vendor is in a `Dialect`."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pyrus_etl.client.quota.limits import QuotaHeaders
from pyrus_etl.settings import Secret

Headers = Mapping[str, str]

LONGEST_CODE, LONGEST_MESSAGE = 200, 500


class ApiError(NamedTuple):
    """The code and the message of an error envelope; an envelope may lack a code, and both are empty without one.

    `code`: as served, because it decides; `masked_code` is the same without secrets, if it holds one.
    `is_final`: it says that the request is wrong, so to repeat it is of no use, even if the status is 5xx.
    """

    code: str = ""
    message: str = ""
    is_final: bool = False
    masked_code: str = ""

    @property
    def shown_code(self) -> str:
        """The code as it may be shown and stored."""
        return self.masked_code or self.code

    def __str__(self) -> str:
        if not self.code:
            return self.message[:LONGEST_MESSAGE] or "no reason given"
        return f"{self.shown_code[:LONGEST_CODE]} ({self.message[:LONGEST_MESSAGE]})"

    def __repr__(self) -> str:
        return f"ApiError({str(self)!r})"

    def masked_by(self, mask: Callable[[bytes], bytes]) -> "ApiError":
        """The same with the secrets masked in what is shown."""
        code, message = (mask(text.encode()).decode() for text in (self.code, self.message))
        return self._replace(masked_code="" if code == self.code else code, message=message)


def bearer(token: Secret) -> str:
    return f"Bearer {token.reveal()}"


class Dialect(NamedTuple):
    """How a service words its answers.

    `service`: its name. `setting`: the setting with its address. `api_error(status, body)`: reads the error envelope;
    None if the answer has none, whatever its body is. It is called for every good answer too, so it must be cheap.
    `quota`: the headers about the quota. `good`: the statuses of answers with content. `quota_statuses`: those that
    mean a spent quota if the answer says when to come back; 429 always means that. `authorization`: the header's value
    for a token; `credential`: what messages call a token that is given and not from a login. `needs_envelope`: a 403 or
    404 counts only with the error envelope or an empty body, because it marks a task as deleted.
    """

    service: str
    setting: str
    api_error: Callable[[int, bytes], ApiError | None]
    quota: QuotaHeaders
    good: frozenset[int] = frozenset({200})
    quota_statuses: frozenset[int] = frozenset({429})
    authorization: Callable[[Secret], str] = bearer
    credential: str = "the access token"
    needs_envelope: bool = True

    def is_quota_spent(self, status: int, headers: Headers) -> bool:
        return status == 429 or (status in self.quota_statuses and "Retry-After" in headers)
