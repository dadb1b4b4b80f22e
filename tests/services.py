"""What some tests need beyond Python and `make`, and what becomes of them on a machine that lacks it.

They are skipped there, and counted at the end of the session. `REQUIRE_SERVICES=postgresql,pgbouncer,chromium` names
those that have to be there: CI sets it, so that a missing one fails the tests that need it.
"""

import os
from collections import Counter
from collections.abc import Iterable

import pytest

SERVICES = {
    "postgresql": "Debian's PostgreSQL 15",
    "pgbouncer": "PgBouncer",
    "chromium": "Chromium",
    "openssl": "openssl",
    "mount": "the right to mount a file system",
    "proc": "/proc",
    "samples": "the vendor's examples in ../shared/samples",
}


def need(service: str, there: object) -> None:
    """Goes on if the service is there; else the test is skipped, or fails if the service is required."""
    if there:
        return
    if service in required():
        pytest.fail(f"{SERVICES[service]}: required by REQUIRE_SERVICES and missing", pytrace=False)
    pytest.skip(f"{SERVICES[service]}: missing")


def required() -> set[str]:
    """The services that have to be there; a name that is not known would require nothing, so it is refused."""
    named = {name.strip() for name in os.environ.get("REQUIRE_SERVICES", "").split(",") if name.strip()}
    if unknown := named - SERVICES.keys():
        raise pytest.UsageError(f"REQUIRE_SERVICES: {', '.join(sorted(unknown))} is none of {', '.join(SERVICES)}")
    return named


def not_tried(skipped: Iterable[pytest.TestReport]) -> list[str]:
    """A line for each reason why tests were skipped, with their number."""
    reasons = Counter(_reason(report) for report in skipped)
    return [f"{count:4} {'test' if count == 1 else 'tests'}  {reason}" for reason, count in reasons.most_common()]


def _reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
