"""How Paymo words its answers: https://github.com/paymoapp/api, sections errors, rate_limiting and authentication."""

from base64 import b64encode

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.client.dialect import ApiError, Dialect
from pyrus_etl.client.quota.limits import QuotaHeaders
from pyrus_etl.settings import Quota, Secret

QUOTA = Quota(1000, 10)
"""Paymo does not document its limit: it tells on each answer how much is left of it, and that is obeyed."""


def api_error(status: int, body: bytes) -> ApiError | None:
    """The message of an error; it has no code."""
    if status in DIALECT.good:
        return None
    try:
        envelope = msgspec.json.decode(storable(body))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    message = envelope.get("message") if isinstance(envelope, dict) else None
    return ApiError("", message) if isinstance(message, str) else None


def basic(key: Secret) -> str:
    """The header for an API key, or for `e-mail:password`. With a key, any text will do as the password."""
    login = key.reveal() if ":" in key.reveal() else f"{key.reveal()}:X"
    return f"Basic {b64encode(login.encode()).decode()}"


DIALECT = Dialect(
    service="Paymo",
    setting="PAYMO_URL",
    api_error=api_error,
    quota=QuotaHeaders(remaining="X-Ratelimit-Remaining", reset="X-Ratelimit-Decay-Period"),
    good=frozenset({200, 201, 204}),
    authorization=basic,
    credential="PAYMO_API_KEY",
    needs_envelope=False,
)
