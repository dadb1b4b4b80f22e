"""Uploads and contents of files in the restapi: "Attachments" on https://pyrus.com/en/api-v3."""

from functools import partial

import msgspec

from pyrus_etl.client.client import Client
from pyrus_etl.client.network.form import Contents, Form
from pyrus_etl.client.request import Request
from pyrus_etl.extract.files.attached import Methods
from pyrus_etl.extract.v3.dialect import DIALECT
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PYRUS


async def addresses(client: Client, file: ServiceFile) -> list[str]:
    """Where the contents of an attachment are; a link that leads to another host comes last."""
    by_id = f"/services/attachment?Id={file.file_id}"
    is_elsewhere = "://" in (file.download_url or "") and not (file.download_url or "").startswith(client.settings.url)
    return [by_id, file.download_url] if is_elsewhere and file.download_url else [by_id]


def upload(contents: Contents) -> Request[ServiceFile]:
    return Request("POST", "/restapi/upload", partial(_read, contents), form=Form((), contents))


def attach(uploaded_file_id: str, task_id: str) -> Request[None]:
    """A comment without text. The id of an upload can be used once, so a repeat cannot attach it twice."""
    body = {"TaskId": int(task_id), "AttachmentIds": [uploaded_file_id]}
    return Request("PUT", "/restapi/addcomment", _is_object, body, once=True)


METHODS = Methods(DIALECT, addresses, upload, attach)


class _Uploaded(msgspec.Struct, rename="pascal"):
    uploaded_file_id: str


def _read(contents: Contents, body: bytes) -> ServiceFile:
    uploaded = msgspec.json.decode(body, type=_Uploaded).uploaded_file_id
    return ServiceFile(service=PYRUS, file_id=uploaded, name=contents.name, uploaded_file_id=uploaded)


def _is_object(body: bytes) -> None:
    msgspec.json.decode(body, type=dict)
