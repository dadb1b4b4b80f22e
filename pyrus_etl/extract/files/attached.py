"""Files of Pyrus, whichever generation of its API answers: attachments of tasks, and uploads that wait for a task."""

import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NamedTuple

import msgspec

from pyrus_etl.client.client import Client
from pyrus_etl.client.dialect import Dialect
from pyrus_etl.client.meaning import Denied, Failure
from pyrus_etl.client.network.file import NO_HEADERS, Download
from pyrus_etl.client.network.form import Contents
from pyrus_etl.client.request import Request
from pyrus_etl.errors import AnswerLost, FileRefused, PyrusUnreachable, SettingsError
from pyrus_etl.extract.files.contents import name_in, size_in
from pyrus_etl.extract.files.lenient import payload, same_name
from pyrus_etl.extract.files.refusals import ask, refused, settled
from pyrus_etl.extract.source import Source
from pyrus_etl.model.attachment import Attachment
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PYRUS, Place
from pyrus_etl.model.task import Task
from pyrus_etl.settings import Secret

log = logging.getLogger(__name__)

NO_ADDRESS = ("", "not_found", "MethodNotFound")
"""Codes of a 404 that may concern the address, and not the file."""
TRIES = 3
"""How often a file is uploaded if Pyrus got other bytes than we sent."""


class Methods(NamedTuple):
    """What differs between the generations of the API.

    `addresses`: where the contents of an attachment may be, the likeliest first. `upload`: sends contents, and reads
    the upload with its id. `attach`: adds a comment with an upload to a task.
    """

    dialect: Dialect
    addresses: Callable[[Client, ServiceFile], Awaitable[list[str]]]
    upload: Callable[[Contents], Request[ServiceFile]]
    attach: Callable[[str, str], Request[None]]


def _is_no_address(failure: Failure) -> bool:
    return isinstance(failure, Denied) and failure.status == 404 and failure.api_error.code in NO_ADDRESS


class PyrusFiles:
    """A FileService. Pyrus shows a file within its task only, and never changes or deletes one."""

    name = PYRUS

    def __init__(self, client: Client, source: Source, methods: Methods) -> None:
        self._client = client
        self._source = source
        self._methods = methods
        self.dialect = methods.dialect

    async def check(self) -> None:
        await self._source.profile()

    async def files_at(self, place: Place) -> AsyncIterator[ServiceFile]:
        if not place.kind:
            raise SettingsError("Pyrus lists the files of a task only; name one, such as pyrus:task/9.")
        fetched = await self._source.task(int(place.place_id))
        for attachment in attachments_of(fetched.task):
            yield file_of(attachment, place.place_id)

    async def get(self, file_id: str) -> ServiceFile:
        """What the headers of the contents say; the contents are not read."""
        async with self.open(ServiceFile(service=PYRUS, file_id=file_id)) as opened:
            if not isinstance(opened, Download):
                raise refused(self.dialect, f"attachment {file_id}", opened)
            name, size, media_type = name_in(opened.headers), size_in(opened.headers), opened.media_type
        return ServiceFile(service=PYRUS, file_id=file_id, name=name, size_bytes=size, media_type=media_type)

    @asynccontextmanager
    async def open(
        self, file: ServiceFile, headers: Mapping[str, str] = NO_HEADERS
    ) -> AsyncIterator[Download | Failure]:
        """Opens the contents by the id of the attachment. A plain 404 may mean that the address is another one."""
        if not file.file_id.isdecimal():
            raise SettingsError(f"Pyrus has contents of attachments only, and {file.file_id} is not the id of one.")
        first: Failure | None = None
        async with AsyncExitStack() as opened:
            for address in await self._methods.addresses(self._client, file):
                try:
                    contents = await opened.enter_async_context(self._client.stream(address, headers=headers))
                except PyrusUnreachable:
                    if first is None:
                        raise
                    break  # a link to a host that is gone says no more than the refusal
                if isinstance(contents, Download):
                    yield contents
                    return
                first = first or contents
                if not _is_no_address(contents):
                    break
        assert first, "there is an address"
        yield first

    async def upload(self, contents: Contents, place: Place) -> ServiceFile:
        """Uploads a file, and attaches it to the task. Uploads that no task refers to vanish, so repeats do no harm."""
        for _ in range(TRIES):
            hashed = Hashed(contents)
            request = self._methods.upload(contents._replace(open=hashed.open))
            file = (await ask(self._client, self.dialect, request, f"the upload of {contents.name!r}")).value
            if file.md5 in (None, hashed.md5):
                file = msgspec.structs.replace(file, name=contents.name, size_bytes=hashed.size, md5=hashed.md5)
                return await self._attached(file, place) if place.kind else file
            log.warning("Pyrus received other bytes of %r than were sent, so it is sent again", contents.name)
        raise FileRefused(f"Pyrus keeps receiving other bytes of {contents.name!r} than were sent; try again later.")

    async def traces(self, place: Place, *, fresh: bool = True) -> list[ServiceFile]:
        return [file async for file in self.files_at(place)]

    def could_be(self, file: ServiceFile, name: str, size: int | None) -> bool:
        return same_name(file.name, name) and (size is None or file.size_bytes == size)

    async def attach(self, file_id: str, place: Place, token: Secret | None = None) -> ServiceFile:
        """Adds a comment with an upload to the task."""
        if not place.kind:
            raise SettingsError("Pyrus attaches a file to a task; name one, such as pyrus:task/9.")
        return await self._attached(ServiceFile(service=PYRUS, file_id=file_id), place)

    async def update(self, file_id: str, name: str | None, description: str | None) -> ServiceFile:
        raise SettingsError("Pyrus cannot rename or describe a file; upload it again under its new name.")

    async def delete(self, file_id: str) -> None:
        raise SettingsError("Pyrus has no method that deletes a file; remove it from its task in Pyrus.")

    async def detach(self, file_id: str, place: Place) -> None:
        raise SettingsError("Pyrus has no method that detaches a file; remove it from its task in Pyrus.")

    async def _attached(self, upload: ServiceFile, place: Place) -> ServiceFile:
        """Attaches an upload, and finds it in the task; if the answer is lost, it may be there already."""
        known = {file.file_id for file in await self.traces(place)}
        look = partial(self._arrived, upload, place, known)
        request, what = self._methods.attach(upload.file_id, place.place_id), f"upload {upload.file_id} for {place}"

        async def send() -> ServiceFile:
            await ask(self._client, self.dialect, request, what)
            if (found := await look()) is None:
                raise AnswerLost(f"Pyrus does not show {what}; look whether it is there.", is_final=True)
            return found

        return await settled(send, look, self._client.settings.waits.settle)

    async def _arrived(self, upload: ServiceFile, place: Place, known: set[str]) -> ServiceFile | None:
        """The file of the task that was not there before and can be the upload."""
        for file in await self.traces(place):
            is_same = (not upload.name or same_name(file.name, upload.name)) and (
                not upload.md5 or file.md5 in (None, upload.md5)
            )
            if file.file_id not in known and is_same:
                return msgspec.structs.replace(file, guid=upload.guid, uploaded_file_id=upload.uploaded_file_id)
        return None


class Hashed:
    """Contents whose MD5 and size are known after they have been read; each reading starts from the beginning."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._digest = hashlib.md5(usedforsecurity=False)
        self.size = 0

    @property
    def md5(self) -> str:
        return self._digest.hexdigest()

    async def open(self) -> AsyncIterator[bytes]:
        self._digest, self.size = hashlib.md5(usedforsecurity=False), 0
        async for piece in self._contents.open():
            self._digest.update(piece)
            self.size += len(piece)
            yield piece


def attachments_of(task: Task) -> Iterator[Attachment]:
    """The files of a task, each id once: of its notes and their forms, of the task itself and of its form."""
    seen: set[int | None] = {None}
    for attachment in _everywhere(task):
        if attachment and attachment.id not in seen:
            seen.add(attachment.id)
            yield attachment


def _everywhere(task: Task) -> Iterator[Attachment | None]:
    for note in task.notes or ():
        if note:
            yield from note.attachments or ()
            for value in note.form or ():
                yield from value.files if value else ()
    yield from task.attachments or ()
    for value in task.form or ():
        yield from value.files if value else ()


def file_of(attachment: Attachment, task_id: str) -> ServiceFile:
    size = None if attachment.size is None else int(attachment.size)  # of v4 it is a type that JSON does not have
    attachment = msgspec.structs.replace(attachment, size=size)
    return ServiceFile(
        service=PYRUS,
        file_id=str(attachment.id),
        name=attachment.name,
        size_bytes=size,
        task_id=task_id,
        download_url=attachment.download_url,
        payload=payload(attachment),
        md5=attachment.md5_hash.lower() if attachment.md5_hash else None,
    )
