"""How API v4 words its answers: https://pyrus.com/en/help/api/errors-and-limits."""

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.client.dialect import ApiError, Dialect
from pyrus_etl.client.quota.limits import QuotaHeaders

FRONT = 100
"""Bytes at the front of a body with status 200 in which an error envelope shows."""


class _Envelope(msgspec.Struct):
    error_code: str | None = None
    error: str | None = None
    error_message: str | None = None


def api_error(status: int, body: bytes) -> ApiError | None:
    """The error envelope of an answer. It has a code; with status 200 a text alone is enough."""
    if status == 200 and b'"error' not in body[:FRONT]:
        return None
    try:
        envelope = msgspec.json.decode(storable(body), type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    text = envelope.error or envelope.error_message or ""
    return ApiError(envelope.error_code or "error", text) if envelope.error_code or (status == 200 and text) else None


DIALECT = Dialect(
    service="Pyrus",
    setting="PYRUS_URL",
    api_error=api_error,
    quota=QuotaHeaders(remaining="X-RateLimit-Remaining", reset="X-RateLimit-Reset"),
)
