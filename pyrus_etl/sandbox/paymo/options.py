"""What the simulated Paymo accepts, and the choices that the vendor's pages leave open."""

from __future__ import annotations

from pyrus_etl.sandbox.limits.quota import Quota
from pyrus_etl.sandbox.server.service import Limits


class Options(Limits, frozen=True, kw_only=True):
    """The credentials that Paymo accepts, and a choice for each question that its pages leave open.

    most_page         no page is longer than this, even if more is asked for
    unfiltered_files  `/files` without a filter lists every file; otherwise it is refused
    number_sizes      sizes are numbers, not text
    link_seconds      links to contents expire after this many seconds of the company's clock
    login_for_links   links to contents on the API's own origin need the key
    """

    email: str = "robot@northlight.example"
    password: str = "sandbox-password"
    api_key: str = "sandbox-paymo-key"
    most_page: int = 2500
    unfiltered_files: bool = False
    number_sizes: bool = False
    link_seconds: float | None = None
    login_for_links: bool = False


class PaymoQuota(Quota):
    """Paymo's limit, in its own headers."""

    def headers(self) -> dict[str, str]:
        return {
            "X-Ratelimit-Decay-Period": f"{self.seconds:g}",
            "X-Ratelimit-Limit": str(self.requests),
            "X-Ratelimit-Remaining": str(self.left()),
        }
