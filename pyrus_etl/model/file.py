"""A file of a task at a file service: Pyrus, Paymo or ONLYOFFICE."""

from datetime import datetime

import msgspec

from pyrus_etl.settings import Secret


class ServiceFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file as its service describes it; None: the service does not say. The contents stay at the service.

    `file_id` is text, because some ids of ONLYOFFICE are. `payload`: the description as served, as JSON that PostgreSQL
    can store. `token`: attaches a new file of Paymo. `guid`, `uploaded_file_id`: what Pyrus (API v4, v3) calls an
    upload that no task refers to; `file_id` is the same text then. `md5`: in lower case.
    """

    service: str
    file_id: str
    name: str | None = None
    size_bytes: int | None = None
    media_type: str | None = None
    description: str | None = None
    project_id: str | None = None
    task_id: str | None = None
    discussion_id: str | None = None
    comment_id: str | None = None
    author_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    download_url: str | None = None
    payload: bytes = b"{}"
    md5: str | None = None
    token: Secret | None = None
    guid: str | None = None
    uploaded_file_id: str | None = None
