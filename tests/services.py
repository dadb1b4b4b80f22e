"""Services that some tests need beyond Python and `make`, and what happens on a machine without them.

Such tests are skipped, and counted at the end of the session. `REQUIRE_SERVICES=postgresql,pgbouncer,chromium,axe`
names required services: CI sets it, so that a missing service fails the tests that need it.
"""

import os
from collections import Counter
from collections.abc import Iterable

import pytest

SERVICES = {
    "postgresql": "Debian's PostgreSQL 15",
    "pgbouncer": "PgBouncer",
    "chromium": "Chromium",
    "axe": "axe-core, which make test installs by npm",
    "openssl": "openssl",
    "mount": "the right to mount a file system",
    "proc": "/proc",
    "samples": "the vendor's examples in ../shared/samples",
}


def need(service: str, there: object) -> None:
    """Skips the test if the service is missing, or fails it if the service is required."""
    if there:
        return
    if service in required():
        pytest.fail(f"{SERVICES[service]}: required by REQUIRE_SERVICES and missing", pytrace=False)
    pytest.skip(f"{SERVICES[service]}: missing")


def required() -> set[str]:
    """Returns the required services. An unknown name would require nothing, so it is refused."""
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
