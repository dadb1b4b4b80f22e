"""The meaning of an HTTP answer: a body, another try, a refusal, or the end of the run."""

import pytest

from pyrus_etl.client.meaning import AccessDenied, Again, QuotaSpent, Redirected, TokenRefused, body_of

ENVELOPE = b'{"ApiException": {"Code": "BehavioralTaskAccessViolation", "Message": "No access."}}'


def read(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    return body_of(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def test_a_200_is_its_body() -> None:
    assert read(200, b'{"Tasks": []}') == b'{"Tasks": []}'


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 599])
def test_server_errors_are_retried(status: int) -> None:
    with pytest.raises(Again, match=str(status)):
        read(status)


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html></html>", b"\r\n <HTML>", b"<?xml version='1.0'?>"])
@pytest.mark.parametrize("status", [200, 400, 403, 404])
def test_markup_instead_of_json_is_retried_with_any_status(status: int, body: bytes) -> None:
    with pytest.raises(Again) as refusal:
        read(status, body)

    assert refusal.value.body == body


@pytest.mark.parametrize(("asked", "seconds"), [("7", 7), ("soon", None)])
def test_429_waits_as_long_as_the_server_says(asked: str, seconds: float | None) -> None:
    with pytest.raises(QuotaSpent) as refusal:
        read(429, b"{}", Retry_After=asked)

    assert refusal.value.after == seconds


def test_401_concerns_the_token_with_any_body() -> None:
    with pytest.raises(TokenRefused):
        read(401, b"<!DOCTYPE html><html>Log in</html>")
    with pytest.raises(TokenRefused):
        read(401, b"")


def test_401_concerns_the_token_and_403_and_404_the_task() -> None:
    with pytest.raises(TokenRefused):
        read(401, b'{"ApiException": {"Code": "AuthorizationErrorExpiredToken"}}')
    with pytest.raises(AccessDenied, match=r"403 BehavioralTaskAccessViolation \(No access\.\)"):
        read(403, ENVELOPE)
    with pytest.raises(AccessDenied, match="404"):
        read(404, b"")


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
    with pytest.raises(Again, match=rf"status {status} .* firewall or proxy") as refusal:
        read(status, body)

    assert refusal.value.body == body


@pytest.mark.parametrize("body", [b"", b" \r\n", ENVELOPE, b" " + ENVELOPE, ENVELOPE.replace(b"No", b"\xff")])
@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_with_the_error_envelope_or_without_a_body_is_the_apis_own(status: int, body: bytes) -> None:
    with pytest.raises(AccessDenied, match=str(status)):
        read(status, body)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_final_and_names_the_setting_to_correct(status: int) -> None:
    with pytest.raises(Redirected, match="PYRUS_URL"):
        read(status, b"", Location="https://elsewhere.example/")
