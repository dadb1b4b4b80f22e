"""What the simulated portal accepts, and the choices that the vendor's pages leave open."""

from __future__ import annotations

from pyrus_etl.sandbox.limits.quota import Quota
from pyrus_etl.sandbox.onlyoffice.wording import Names
from pyrus_etl.sandbox.server.service import Limits


class Options(Limits, frozen=True, kw_only=True):
    """The credentials that the portal accepts, its settings, and a choice for each question that its pages leave open.

    token             a token that is valid without a login
    two_factor        the login needs a second call with this code
    token_seconds     a token expires after this many seconds of the portal's clock
    names             of answers: camelCase, PascalCase, or `mixed` as the vendor's page prints them
    items_per_page    no list is longer than this, even if more is asked for, or nothing
    polls             a deletion is done when it has been asked for this many times
    refused_endings   files with these endings may not be uploaded
    bearer            `Authorization: Bearer …` is accepted too
    """

    user: str = "robot@northlight.example"
    password: str = "sandbox-password"
    token: str = "sandbox-onlyoffice-token"
    two_factor: str | None = None
    token_seconds: float = 365 * 24 * 3600
    names: Names = "camel"
    items_per_page: int = 25
    polls: int = 2
    refused_endings: tuple[str, ...] = (".exe",)
    bearer: bool = False


class SilentQuota(Quota):
    """A limit that shows in no header until it is used up."""

    def headers(self) -> dict[str, str]:
        return {}
