"""The behaviour of a sandbox server: the credentials it accepts, the limits of lists, tokens and requests."""

from __future__ import annotations

from typing import Literal

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Limits, and a choice for each question that the vendor's page (https://pyrus.com/en/api-v3) leaves open.

    token_seconds   a token expires after this many seconds of the organisation's clock
    token_requests  … or after this many requests
    cap             no list returns more rows than this, even if more are requested
    order           of lists: "shuffled" again for each request, or "newest" first
    period          the date that ActiveFrom and ActiveTo are compared with: the last modification
                    ("modified"), or the date of any note ("activity")
    quota           (100, 2) allows 100 requests per 2 seconds, in fixed windows of real time
    accounts        further logins with the same key: login → id of the person; each sees what `World.hide` leaves
    keep_ids        the number of ids of fetched tasks that the journal remembers
    """

    login: str = "robot@northlight.example"
    security_key: str = "sandbox-key"
    client_id: str = "5a9d0b0e-0000-4000-8000-5a9d0b0e5a9d"
    token_seconds: float | None = None
    token_requests: int | None = None
    cap: int | None = None
    order: Literal["shuffled", "newest"] = "shuffled"
    period: Literal["modified", "activity"] = "modified"
    quota: tuple[int, float] | None = None
    gzip: bool = True
    accounts: dict[str, int] = {}
    keep_ids: int = 100_000
