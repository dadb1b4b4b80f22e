"""The wait that an answer asks for: seconds, dates, instants, and invalid values."""

from collections.abc import Mapping

import pytest

from pyrus_etl.client.quota.limits import QuotaHeaders, pause_after_refusal, pause_when_exhausted

NOW = 1792567680
"""2026-10-21 07:28:00 UTC, by the server's clock."""
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
NAMES = QuotaHeaders(remaining="X-RateLimit-Remaining", reset="X-RateLimit-Reset")

TIMES = {
    "7": 7,
    " 7 ": 7,
    "0.5": 0.5,
    "0": 0,
    "600": 600,
    "86400": 86_400,
    "Wed, 21 Oct 2026 07:28:30 GMT": 30,
    "Wed, 21 Oct 2026 10:28:30 +0300": 30,
    "Wednesday, 21-Oct-26 07:28:30 GMT": 30,
    "2026-10-21T07:28:30Z": 30,
    "Wed, 21 Oct 2026 07:00:00 GMT": 0,
    str(NOW + 12): 12,
    f"{NOW + 12}.5": 12.5,
    str(1000 * (NOW + 12)): 12,
    str(NOW - 100): 0,
}
NO_TIMES = [
    "",
    "soon",
    "-5",
    "nan",
    "inf",
    "1e300",
    "1e3",
    "1_000",
    "0x10",
    "9" * 18,
    "9" * 400,
    "7, 7",
    "Wed, 99 Oct 2026",
]


@pytest.mark.parametrize("name", ["Retry-After", "X-RateLimit-Reset"])
@pytest.mark.parametrize(("asked", "seconds"), TIMES.items())
def test_a_time_is_in_seconds_or_an_instant_by_the_servers_clock(asked: str, seconds: float, name: str) -> None:
    assert pause_after_refusal({name: asked, "Date": DATE}, NAMES) == pytest.approx(seconds)


@pytest.mark.parametrize("name", ["Retry-After", "X-RateLimit-Reset"])
@pytest.mark.parametrize("asked", NO_TIMES)
def test_anything_else_is_not_a_time(asked: str, name: str) -> None:
    assert pause_after_refusal({name: asked, "Date": DATE}, NAMES) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7", "X-RateLimit-Reset": "90"}, 7),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "90"}, 90),
        ({"Retry-After": "1e300", "X-RateLimit-Reset": str(NOW + 90)}, 90),
        ({}, None),
    ],
)
def test_retry_after_has_priority_over_the_end_of_the_window(headers: Mapping[str, str], seconds: float | None) -> None:
    assert pause_after_refusal({**headers, "Date": DATE}, NAMES) == seconds


def test_an_instant_is_compared_with_our_clock_if_the_server_has_none() -> None:
    asked = pause_after_refusal({"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, NAMES)

    assert asked
    assert asked > 10**9


@pytest.mark.parametrize(
    ("left", "reset", "seconds"),
    [
        ("0", "12", 12),
        (" 0 ", "12", 12),
        ("0", str(NOW + 12), 12),
        ("0", "", 0),
        ("0", "soon", 0),
        ("0", "1e300", 0),
        ("3", "12", 0),
        ("", "12", 0),
    ],
)
def test_a_spent_quota_pauses_until_its_reset(left: str, reset: str, seconds: float) -> None:
    headers = {"X-RateLimit-Remaining": left, "X-RateLimit-Reset": reset, "Date": DATE}

    assert pause_when_exhausted(headers, NAMES) == seconds
