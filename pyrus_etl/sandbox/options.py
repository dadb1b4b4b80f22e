"""How a sandbox server behaves: who may log in, what lists return, what is limited."""

from __future__ import annotations

from typing import Literal

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and readings of what the vendor's page leaves open.

    token_seconds   a token expires after so much of the world's time
    token_requests  … or after so many requests
    cap             no list returns more rows than that, whatever is asked
    order           of lists: "shuffled" anew for each request, or "newest" first
    period          what ActiveFrom and ActiveTo compare: the last modification ("modified"), or the
                    date of any note ("activity")
    quota           (100, 2) is a hundred requests per two seconds, in fixed windows of real time
    keep_ids        how many ids of fetched tasks the journal remembers; 0 for none
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
    keep_ids: int = 100_000
