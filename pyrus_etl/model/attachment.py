"""Files attached to notes and to form fields."""

import msgspec


class Attachment(msgspec.Struct, frozen=True, gc=False):
    """A file's description; its contents stay where `download_url` points."""

    id: int | None = None
    name: str | None = None
    size: int | None = None
    download_url: str | None = None
    existing_id: int | None = None
    md5_hash: str | None = None
    version: int | None = None
