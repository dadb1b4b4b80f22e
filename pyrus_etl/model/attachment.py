"""Files attached to notes and to form fields."""

import msgspec

from pyrus_etl.model.values import Id


class Attachment(msgspec.Struct, frozen=True, gc=False, rename="pascal"):
    """A file's description; its contents stay where `download_url` points."""

    id: Id | None = None
    name: str | None = None
    size: Id | None = None
    download_url: str | None = None
    existing_id: Id | None = None
    md5_hash: str | None = msgspec.field(name="MD5Hash", default=None)
