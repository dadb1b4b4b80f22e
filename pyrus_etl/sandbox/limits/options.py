"""The behaviour of a sandbox server: the credentials it accepts, the limits of lists, tokens and requests."""

from __future__ import annotations

from typing import Literal

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Limits, and a choice for each question that the vendor's page (https://pyrus.com/en/api-v3) leaves open.

    client_secret   of the application that asks for a web login
    oauth_state     the web login returns `state`, which the vendor's page does not mention
    token_seconds   a token expires after this many seconds of the organisation's clock
    token_requests  … or after this many requests
    cap             no list returns more rows than this, even if more are requested
    order           of lists: "shuffled" again for each request, or "newest" first
    period          the date that ActiveFrom and ActiveTo are compared with: the last modification
                    ("modified"), or the date of any note ("activity")
    quota           (100, 2) allows 100 requests per 2 seconds, in fixed windows of real time
    accounts        further logins with the same key: login → id of the person; each sees what `World.hide` leaves
    api             the API that is served: "v3", "v4" or "both"
    hybrid          the lists of API v3 take a token of API v4
    login_urls      the login of API v4 returns the URLs of the API and of the files
    files_apart     files are on another port: the login of API v4 returns it as files_url
    shared          logins that several persons share: login → ids; they have to send person_id
    most_tokens     API v4 revokes the oldest token of a login that has more
    register_cap    no register returns more rows than this, even if more are requested
    register_lag    registers and lists of API v4 show tasks as they were this many seconds ago, by the world's clock
    index_seconds   … and take this many seconds to answer
    list_cap        no list of API v4 returns more tasks than this
    sublists        the tasks of a list are those of its sublists too
    reusable_uploads  API v4 attaches an upload as often as it is asked to; API v3 only once
    readers         ids of persons who may read and not write
    most_bytes      no upload may be longer than this
    reopening       a comment reopens a closed task, unless it asks not to (API v4: skip_auto_reopen)
    webhook         the URL that gets a webhook for each change of a task
    webhook_twice   this share (0 to 1) of webhooks is sent twice
    webhook_again   a webhook that is not taken is sent again after this many seconds, and after twice as many
    keep_ids        the number of ids of fetched tasks that the journal remembers
    """

    login: str = "robot@northlight.example"
    security_key: str = "sandbox-key"
    client_id: str = "5a9d0b0e-0000-4000-8000-5a9d0b0e5a9d"
    client_secret: str = "sandbox-secret"
    oauth_state: bool = True
    token_seconds: float | None = None
    token_requests: int | None = None
    cap: int | None = None
    order: Literal["shuffled", "newest"] = "shuffled"
    period: Literal["modified", "activity"] = "modified"
    quota: tuple[int, float] | None = None
    gzip: bool = True
    accounts: dict[str, int] = {}
    api: Literal["v3", "v4", "both"] = "both"
    hybrid: bool = False
    login_urls: bool = True
    files_apart: bool = False
    shared: dict[str, tuple[int, ...]] = {}
    most_tokens: int = 10
    register_cap: int | None = None
    register_lag: float = 0.0
    index_seconds: float = 0.0
    list_cap: int | None = None
    sublists: bool = False
    reusable_uploads: bool = False
    readers: tuple[int, ...] = ()
    most_bytes: int | None = None
    reopening: bool = False
    webhook: str | None = None
    webhook_twice: float = 0.0
    webhook_again: float = 61.0
    keep_ids: int = 100_000
