"""The meaning of an HTTP answer: its content, another try, a wait, a refusal."""

import base64
from collections.abc import Mapping

import msgspec
import pytest

from pyrus_etl.client.dialect import ApiError, Dialect
from pyrus_etl.client.meaning import (
    NOT_FOLLOWED,
    Again,
    Denied,
    QuotaSpent,
    Read,
    Refused,
    TokenRefused,
    Unreadable,
    meaning_of,
    meaning_of_file,
)
from pyrus_etl.client.quota.limits import QuotaHeaders
from pyrus_etl.extract.v3.dialect import DIALECT
from pyrus_etl.settings import Secret

ENVELOPE = b'{"ApiException": {"Code": "BehavioralTaskAccessViolation", "Message": "No access."}}'
HTML = b"<!DOCTYPE html><html></html>"
NO_ACCESS = ApiError("BehavioralTaskAccessViolation", "No access.")
NO_REASON = ApiError()
NONE: Mapping[str, str] = {}


class Named(msgspec.Struct):
    name: str


def meaning(status: int, body: bytes = b"{}", dialect: Dialect = DIALECT, headers: Mapping[str, str] = NONE) -> object:
    return meaning_of(status, headers, body, dialect, msgspec.json.decode)


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        (200, b'{"Tasks": []}', Read({"Tasks": []})),
        (200, b" [1]", Read([1])),
        (200, ENVELOPE, Again(f"status 200 with an error: {NO_ACCESS}")),
        (200, b'{"ApiException": {}}', Again("status 200 with an error: no reason given")),
        (200, b'{"ApiException": ', Again("status 200 with an error: no reason given")),
        (400, b"{}", Refused(400, NO_REASON)),
        (400, ENVELOPE, Refused(400, NO_ACCESS)),
        (410, b"", Refused(410, NO_REASON)),
        (401, b"", TokenRefused(NO_REASON)),
        (401, HTML, TokenRefused(NO_REASON)),
        (401, ENVELOPE, TokenRefused(NO_ACCESS)),
        (403, ENVELOPE, Denied(403, NO_ACCESS)),
        (403, b" " + ENVELOPE, Denied(403, NO_ACCESS)),
        (404, ENVELOPE, Denied(404, NO_ACCESS)),
        (404, b"", Denied(404, NO_REASON)),
        (404, b" \r\n", Denied(404, NO_REASON)),
        (408, b"{}", Again("status 408")),
        (429, b"{}", QuotaSpent(None)),
        (429, HTML, QuotaSpent(None)),
        (500, ENVELOPE, Again("status 500")),
        (503, HTML, Again("status 503")),
        (599, b"", Again("status 599")),
    ],
)
def test_the_status_and_the_body_decide(status: int, body: bytes, meant: object) -> None:
    assert meaning(status, body) == meant


@pytest.mark.parametrize("body", [HTML, b"\r\n <HTML>", b"<?xml version='1.0'?>"])
@pytest.mark.parametrize("status", [200, 400, 403, 404])
def test_markup_instead_of_json_is_retried_with_any_status(status: int, body: bytes) -> None:
    meant = meaning(status, body)

    assert isinstance(meant, Again)
    assert meant.body == body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_final_and_names_the_setting_to_correct(status: int) -> None:
    meant = meaning(status, b"", headers={"Location": "https://elsewhere.example/"})

    assert isinstance(meant, Refused)
    assert meant.is_redirect
    assert "PYRUS_URL" in str(meant)


FOREIGN = [
    b'{"message": "Forbidden"}',
    b"{}",
    b"[]",
    b"null",
    b'"no"',
    b"Access denied.",
    b"<html>Blocked</html>",
    b'{"error": {"code": 403}}',
    b'{"ApiException": null}',
    b'{"ApiException": 5}',
    b'{"ApiException": {}}',
    b'{"ApiException": {"Code": 403}}',
    b'{"apiException": {"code": "BehavioralTaskAccessViolation"}}',
    b'{"a":"\\ud800"}',
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", FOREIGN)
@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_without_the_error_envelope_is_a_network_fault(status: int, body: bytes) -> None:
    meant = meaning(status, body)

    assert isinstance(meant, Again)
    assert f"status {status}" in str(meant)
    assert "a firewall or proxy seems to answer instead of Pyrus" in str(meant)
    assert meant.body == body


def test_the_apis_own_refusal_may_contain_damaged_characters() -> None:
    assert isinstance(meaning(403, ENVELOPE.replace(b"No", b"\xff")), Denied)


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "soon"}, None),
        ({"X-RateLimit-Reset": "9"}, 9),
        ({"Retry-After": "7", "X-RateLimit-Reset": "9"}, 7),
        ({}, None),
    ],
)
def test_a_spent_quota_says_for_how_long(headers: dict[str, str], after: float | None) -> None:
    assert meaning(429, headers=headers) == QuotaSpent(after)


def test_a_body_that_is_not_json_may_be_cut_short_so_it_is_tried_again() -> None:
    meant = meaning(200, b'{"name": "A')

    assert isinstance(meant, Again)
    assert "not JSON" in str(meant)
    assert meant.body == b'{"name": "A'


def test_json_of_another_kind_is_unreadable_and_kept() -> None:
    body = b'{"name": 5}'
    meant = meaning_of(200, {}, body, DIALECT, msgspec.json.Decoder(Named).decode)

    assert isinstance(meant, Unreadable)
    assert meant.body == body
    assert "expected `str`" in meant.reason.lower()


@pytest.mark.parametrize("key", ["a", "e", "ApiException", "behavioraltaskaccessviolation", '"', "{", "4"])
def test_a_key_that_is_a_letter_or_a_common_word_does_not_change_the_meaning(key: str) -> None:
    """What is shown has the key masked nevertheless."""
    meant = meaning_of(403, NONE, ENVELOPE, DIALECT, msgspec.json.decode, Secret(key))
    of_file = meaning_of_file(403, NONE, ENVELOPE, DIALECT, Secret(key))

    assert isinstance(meant, Denied)
    assert meant == of_file
    assert meant.api_error.code == NO_ACCESS.code
    assert key.lower() not in str(meant).lower().replace("(secret)", "").replace("403", "")
    assert isinstance(meaning_of(500, NONE, b"", DIALECT, msgspec.json.decode, Secret(key)), Again)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"ApiException": {"Code": "c", "Message": "no canary"}}'),
        (200, b'{"name": "canary'),
        (200, b"<html>canary</html>"),
        (200, b'{"canary": 5}'),
        (400, b'{"ApiException": {"Code": "canary", "Message": "no"}}'),
        (401, b'{"ApiException": {"Code": "canary", "Message": "no"}}'),
        (403, b'{"ApiException": {"Code": "c", "Message": "no can\\u0061ry"}}'),
        (404, b"no canary here"),
    ],
)
def test_no_failure_shows_a_secret(status: int, body: bytes) -> None:
    meant = meaning_of(status, {}, body, DIALECT, msgspec.json.Decoder(Named).decode, None, Secret("canary"))

    assert not isinstance(meant, Read)
    assert "canary" not in f"{meant!r} {meant}"


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        (200, HTML, None),
        (200, ENVELOPE, None),
        (206, b"", None),
        (301, b"", Refused(301, NOT_FOLLOWED)),
        (400, ENVELOPE, Refused(400, NO_ACCESS)),
        (401, HTML, TokenRefused(NO_REASON)),
        (403, HTML, Denied(403, NO_REASON)),
        (404, b"", Denied(404, NO_REASON)),
        (410, ENVELOPE, Denied(410, NO_ACCESS)),
        (416, b"", Refused(416, NO_REASON)),
        (408, HTML, Again("status 408")),
        (429, HTML, QuotaSpent(None)),
        (502, HTML, Again("status 502")),
    ],
)
def test_the_status_alone_decides_about_a_file(status: int, body: bytes, meant: object) -> None:
    assert meaning_of_file(status, {}, body, DIALECT) == meant


# Two services that speak otherwise, to show that nothing of Pyrus is in the client.

PAYMO = Dialect(
    service="Paymo",
    setting="PAYMO_URL",
    api_error=lambda status, body: ApiError("error", msgspec.json.decode(body)["message"]) if status >= 400 else None,
    quota=QuotaHeaders(remaining="X-Ratelimit-Remaining", reset="X-Ratelimit-Decay-Period"),
    good=frozenset({200, 201}),
    authorization=lambda key: f"Basic {base64.b64encode(f'{key.reveal()}:x'.encode()).decode()}",
)
ONLYOFFICE = Dialect(
    service="ONLYOFFICE",
    setting="ONLYOFFICE_URL",
    api_error=lambda status, body: ApiError("error", "item not found") if b'"error"' in body else None,
    quota=QuotaHeaders(remaining="-", reset="-"),
    good=frozenset({200, 201}),
    quota_statuses=frozenset({429, 503}),
    authorization=Secret.reveal,
)


def test_a_service_brings_its_envelope_its_good_statuses_and_its_name() -> None:
    assert meaning(201, b"[]", PAYMO) == Read([])
    assert meaning(404, b'{"message": "Not found"}', PAYMO) == Denied(404, ApiError("error", "Not found"))
    assert "is PAYMO_URL the origin of Paymo?" in str(meaning(200, HTML, PAYMO))
    assert meaning(404, b'{"status": 1, "error": {"message": "item not found"}}', ONLYOFFICE) == Denied(
        404, ApiError("error", "item not found")
    )
    assert meaning(201, b"[]", DIALECT) == Refused(201, NO_REASON)


def test_a_service_brings_the_headers_and_the_statuses_of_its_quota() -> None:
    assert meaning(429, b"", PAYMO, {"X-Ratelimit-Decay-Period": "5"}) == QuotaSpent(5)
    assert meaning(503, b"", ONLYOFFICE, {"Retry-After": "10"}) == QuotaSpent(10)
    assert meaning(503, b"", ONLYOFFICE) == Again("status 503")
    assert meaning(503, b"", DIALECT, {"Retry-After": "10"}) == Again("status 503")


def test_a_service_brings_its_way_to_show_the_token() -> None:
    assert DIALECT.authorization(Secret("t")) == "Bearer t"
    assert PAYMO.authorization(Secret("t")) == "Basic dDp4"
    assert ONLYOFFICE.authorization(Secret("t")) == "t"
