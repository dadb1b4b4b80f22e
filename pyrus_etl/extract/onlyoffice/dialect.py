"""How ONLYOFFICE words its answers: https://api.onlyoffice.com/workspace/api-backend/get-started/how-it-works."""

import re

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.client.dialect import ApiError, Dialect
from pyrus_etl.client.quota.limits import QuotaHeaders
from pyrus_etl.extract.onlyoffice.wrapper import read
from pyrus_etl.settings import Quota, Secret

QUOTA = Quota(500, 10)
"""The vendor's limit for an address and account; nothing tells how much is left."""

_IN_XML = re.compile(rb"<(?P<name>message|type)>(?P<text>.*?)</(?P=name)>", re.DOTALL)
_WRONG = re.compile(
    r"(?:Argument\w*|Format|Overflow|InvalidOperation|NotSupported|NotImplemented|MissingMethod|Security|\w*NotFound)"
    r"Exception"
)
"""Types of errors that say that a request is wrong. Others, such as time-outs, may pass.

The portal answers them with 400, 403 or 404, but older ones answer some with 500. Source: `ApiHttpHandler.DoProcess` of
CommunityServer.
"""


def api_error(status: int, body: bytes) -> ApiError | None:
    """The message of an error, which may come as XML too; it has no code. An error in a good answer is the reader's."""
    if status in DIALECT.good:
        return None
    message, kind = _in_xml(body) or _in_json(body)
    return ApiError("", message, _WRONG.fullmatch(kind.rpartition(".")[2]) is not None) if message else None


def _in_xml(body: bytes) -> tuple[str, str] | None:
    """The message of an error and its type; None if there is none."""
    found = {each["name"]: storable(each["text"]).decode() for each in _IN_XML.finditer(body)}
    return (found[b"message"], found.get(b"type", "")) if b"message" in found else None


def _in_json(body: bytes) -> tuple[str, str]:
    try:
        wrapped = read(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", ""
    return wrapped.error, wrapped.error_type


def plain(token: Secret) -> str:
    """The header has the token alone, without a word for the scheme."""
    return token.reveal()


DIALECT = Dialect(
    service="ONLYOFFICE",
    setting="ONLYOFFICE_URL",
    api_error=api_error,
    quota=QuotaHeaders(remaining="X-RateLimit-Remaining", reset="X-RateLimit-Reset"),
    good=frozenset({200, 201, 204}),
    quota_statuses=frozenset({429, 503}),
    authorization=plain,
    credential="ONLYOFFICE_TOKEN",
    needs_envelope=False,
)
