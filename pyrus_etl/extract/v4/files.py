"""Uploads and contents of files in API v4: https://pyrus.com/en/help/api/files."""

from functools import partial

import msgspec

from pyrus_etl.client.client import Client
from pyrus_etl.client.network.form import Contents, Form
from pyrus_etl.client.request import Request
from pyrus_etl.extract.files.attached import Methods
from pyrus_etl.extract.v4.dialect import DIALECT
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PYRUS


async def addresses(client: Client, file: ServiceFile) -> list[str]:
    """Where the contents of an attachment are: at the address of files that the login names, or below the API's.

    The vendor's clients use three forms, and its page names the last: https://pyrus.com/en/help/api/files.
    """
    await client.log_in()
    page, origin = f"services/attachment?Id={file.file_id}", f"{client.settings.url}/"
    documented = f"{client.address.rstrip('/')}/files/download/{file.file_id}"
    if not client.others:
        return [documented, origin + page]
    files = client.others[0].rstrip("/")
    return [f"{files}/v4/files/download/{file.file_id}", f"{files}/{page}", documented]


def upload(contents: Contents) -> Request[ServiceFile]:
    return Request("POST", "/files/upload", partial(_read, contents), form=Form((), contents))


def attach(guid: str, task_id: str) -> Request[None]:
    """A comment without text; it does not open a closed task again."""
    body = {"attachments": [guid], "skip_auto_reopen": True}
    return Request("POST", f"/tasks/{task_id}/comments", _is_object, body, once=True)


METHODS = Methods(DIALECT, addresses, upload, attach)


class _Uploaded(msgspec.Struct):
    guid: str
    md5_hash: str | None = None


def _read(contents: Contents, body: bytes) -> ServiceFile:
    uploaded = msgspec.json.decode(body, type=_Uploaded)
    md5 = uploaded.md5_hash.lower() if uploaded.md5_hash else None
    return ServiceFile(service=PYRUS, file_id=uploaded.guid, name=contents.name, md5=md5, guid=uploaded.guid)


def _is_object(body: bytes) -> None:
    msgspec.json.decode(body, type=dict)
