"""How the restapi words its answers: "Errors" on https://pyrus.com/en/api-v3."""

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.client.dialect import ApiError, Dialect
from pyrus_etl.client.quota.limits import QuotaHeaders

FRONT = 100
"""Bytes at the front of a body with status 200 in which an error envelope shows."""


class _ApiException(msgspec.Struct, rename="pascal"):
    code: str = ""
    message: str = ""


class _Envelope(msgspec.Struct, rename="pascal"):
    api_exception: _ApiException


def api_error(status: int, body: bytes) -> ApiError | None:
    """The error envelope of an answer. With status 200 it may be damaged, or lack a code."""
    if status == 200 and b'"ApiException"' not in body[:FRONT]:
        return None
    try:
        envelope = msgspec.json.decode(storable(body), type=_Envelope).api_exception
    except (msgspec.DecodeError, UnicodeDecodeError):
        envelope = _ApiException()
    return ApiError(envelope.code, envelope.message) if envelope.code or status == 200 else None


DIALECT = Dialect(
    service="Pyrus",
    setting="PYRUS_URL",
    api_error=api_error,
    # https://pyrus.com/en/help/api/errors-and-limits
    quota=QuotaHeaders(remaining="X-RateLimit-Remaining", reset="X-RateLimit-Reset"),
)
