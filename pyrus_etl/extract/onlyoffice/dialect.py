"""How ONLYOFFICE words its answers: https://api.onlyoffice.com/workspace/api-backend/get-started/how-it-works."""

import re

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.client.dialect import Complaint, Dialect
from pyrus_etl.client.limits import QuotaHeaders
from pyrus_etl.extract.onlyoffice.wrapper import read
from pyrus_etl.settings import Quota, Secret

QUOTA = Quota(500, 10)
"""The vendor's limit for an address and account; nothing tells how much is left."""

_IN_XML = re.compile(rb"<message>(?P<text>.*?)</message>", re.DOTALL)


def complaint(status: int, body: bytes) -> Complaint | None:
    """The message of an error, which may come as XML too; it has no code. An error in a good answer is the reader's."""
    if status in DIALECT.good:
        return None
    if found := _IN_XML.search(body):
        return Complaint("", storable(found["text"]).decode())
    try:
        message = read(body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Complaint("", message) if message else None


def plain(token: Secret) -> str:
    """The header has the token alone, without a word for the scheme."""
    return token.reveal()


DIALECT = Dialect(
    service="ONLYOFFICE",
    setting="ONLYOFFICE_URL",
    complaint=complaint,
    quota=QuotaHeaders(remaining="X-RateLimit-Remaining", reset="X-RateLimit-Reset"),
    good=frozenset({200, 201, 204}),
    quota_statuses=frozenset({429, 503}),
    authorization=plain,
    credential="ONLYOFFICE_TOKEN",
    needs_envelope=False,
)
