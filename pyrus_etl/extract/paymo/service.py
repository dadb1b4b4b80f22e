"""Files of Paymo: "Files" on https://github.com/paymoapp/api."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import quote

from pyrus_etl.client.client import Client
from pyrus_etl.client.meaning import Failure
from pyrus_etl.client.network.file import NO_HEADERS, Download
from pyrus_etl.client.network.form import Contents, Form
from pyrus_etl.client.request import Request
from pyrus_etl.errors import AnswerLost, FileRefused, PyrusUnreachable, SettingsError
from pyrus_etl.extract.files.lenient import same_name
from pyrus_etl.extract.files.refusals import ask, check, settled
from pyrus_etl.extract.paymo.dialect import DIALECT
from pyrus_etl.extract.paymo.lists import Lists, where
from pyrus_etl.extract.paymo.read import read_files
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PAYMO, Place
from pyrus_etl.settings import Secret

_LOCATION = re.compile(r"/files/(?P<id>[0-9]{1,18})/?(?:[?#]|$)")
"""The address of a file that an upload has made."""


class Paymo:
    """A FileService."""

    name = PAYMO
    dialect = DIALECT

    def __init__(self, client: Client) -> None:
        self._client = client
        self.lists = Lists(client)

    async def check(self) -> None:
        await check(self._client, DIALECT, "/me")

    async def files_at(self, place: Place) -> AsyncIterator[ServiceFile]:
        if not place.kind:
            raise SettingsError("Paymo lists the files of a place only; name one, such as paymo:project/9.")
        filtered = where((f"{place.kind}_id", "=", place.place_id))
        async for page in self.lists.pages("/files", read_files, _id, filtered, str(place)):
            for file in page:
                yield file

    async def get(self, file_id: str) -> ServiceFile:
        return await self._one(Request("GET", f"/files/{quote(file_id, safe='')}", read_files), f"file {file_id}")

    @asynccontextmanager
    async def open(
        self, file: ServiceFile, headers: Mapping[str, str] = NO_HEADERS
    ) -> AsyncIterator[Download | Failure]:
        """Opens the link. It may have expired, so a link that is refused is asked for once more."""
        link = file.download_url or (await self.get(file.file_id)).download_url
        if not link:
            raise FileRefused(f"Paymo gives no link to the contents of file {file.file_id}; open it in Paymo.")
        async with self._client.stream(link, headers=headers) as contents:
            if isinstance(contents, Download):
                yield contents
                return
        fresh = (await self.get(file.file_id)).download_url or link
        async with self._client.stream(fresh, headers=headers) as contents:
            yield contents

    async def upload(self, contents: Contents, place: Place) -> ServiceFile:
        """Uploads and attaches in one request; without a place the file gets a token, and repeats do no harm."""
        form = Form(_target(place), contents)
        request = Request("POST", "/files", read_files, form=form, once=bool(place.kind))
        return await self._one(request, f"the upload of {contents.name!r}" + (f" to {place}" if place.kind else ""))

    async def traces(self, place: Place, *, fresh: bool = True) -> list[ServiceFile]:
        return [file async for file in self.files_at(place)]

    def could_be(self, file: ServiceFile, name: str, size: int | None) -> bool:
        return same_name(file.name, name) and (size is None or file.size_bytes == size)

    async def attach(self, file_id: str, place: Place, token: Secret | None = None) -> ServiceFile:
        if not place.kind:
            raise SettingsError("Paymo attaches a file to a place; name one, such as paymo:task/9.")
        if token is None:
            token = (await self.get(file_id)).token
        if token is None:
            raise SettingsError(f"Paymo attaches a file by the token of its upload; give --token for file {file_id}.")
        body = {"token": token.reveal(), **{name: int(place_id) for name, place_id in _target(place)}}
        request = Request("POST", f"/files/{quote(file_id, safe='')}", read_files, body, once=True)
        send = partial(self._one, request, f"file {file_id} for {place}")
        return await settled(send, partial(self._if_at, file_id, place), self._client.settings.waits.settle)

    async def update(self, file_id: str, name: str | None, description: str | None) -> ServiceFile:
        given = {"original_filename": name, "description": description}
        body = {key: value for key, value in given.items() if value is not None}
        return await self._one(Request("PUT", f"/files/{quote(file_id, safe='')}", read_files, body), f"file {file_id}")

    async def delete(self, file_id: str) -> None:
        """Deletes the file. If the answer is lost and the file is gone, it counts as deleted."""
        request = Request("DELETE", f"/files/{quote(file_id, safe='')}", _nothing, once=True)
        await settled(
            partial(ask, self._client, DIALECT, request, f"file {file_id}"),
            partial(self._if_gone, file_id),
            self._client.settings.waits.settle,
        )

    async def detach(self, file_id: str, place: Place) -> None:
        raise SettingsError("Paymo cannot detach a file; delete it.")

    async def _one(self, request: Request[list[ServiceFile]], what: str) -> ServiceFile:
        """The file in an answer; if that has none, the file to which its Location leads."""
        answer = await ask(self._client, DIALECT, request, what)
        if answer.value:
            return answer.value[0]
        if request.form and (made := _LOCATION.search(answer.location)):
            return await self._made(made["id"])
        if request.once:
            raise AnswerLost(f"Paymo's answer about {what} has no file; look whether it is there.", is_final=True)
        raise FileRefused(f"Paymo's answer about {what} has no file; check its id.")

    async def _made(self, file_id: str) -> ServiceFile:
        """A file that an upload has made; only its id if Paymo does not describe it."""
        try:
            return await self.get(file_id)
        except (FileRefused, PyrusUnreachable):
            return ServiceFile(service=PAYMO, file_id=file_id)

    async def _if_at(self, file_id: str, place: Place) -> ServiceFile | None:
        """The file, if it is attached there already."""
        try:
            file = await self.get(file_id)
        except FileRefused:  # it is not shown while it is attached to nothing
            return None
        return file if getattr(file, f"{place.kind}_id") == place.place_id else None

    async def _if_gone(self, file_id: str) -> Any | None:
        try:
            await self.get(file_id)
        except FileRefused as error:
            return error if error.status == 404 else None
        return None


def _target(place: Place) -> tuple[tuple[str, str], ...]:
    return ((f"{place.kind}_id", place.place_id),) if place.kind else ()


def _id(file: ServiceFile) -> str:
    return file.file_id


def _nothing(body: bytes) -> None:
    """Reads nothing: the body of an answer to a deletion may be empty."""
