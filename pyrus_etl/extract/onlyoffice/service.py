"""Files of ONLYOFFICE Workspace: https://api.onlyoffice.com/workspace, Projects and Files.

A file lives in a folder, and a task or a discussion only refers to it. So an upload to a task is two requests: the
upload into the folder of the task's project, and then the id of the file for the task.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote

import msgspec
from yarl import URL

from pyrus_etl.client.client import Client
from pyrus_etl.client.meaning import Failure
from pyrus_etl.client.network.file import NO_HEADERS, Download
from pyrus_etl.client.network.form import Contents, Form
from pyrus_etl.client.request import Request
from pyrus_etl.errors import AnswerLost, FileRefused, PyrusUnreachable, SettingsError
from pyrus_etl.extract.files.lenient import whole
from pyrus_etl.extract.files.refusals import check
from pyrus_etl.extract.onlyoffice.deletion import delete
from pyrus_etl.extract.onlyoffice.dialect import DIALECT
from pyrus_etl.extract.onlyoffice.folders import Folders
from pyrus_etl.extract.onlyoffice.portal import KINDS, Portal, path_of, path_of_file
from pyrus_etl.extract.onlyoffice.read import could_be, files_of
from pyrus_etl.extract.onlyoffice.wrapper import read
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import ONLYOFFICE, Place
from pyrus_etl.settings import Secret

HANDLER = "/products/files/httphandlers/filehandler.ashx?action=download&fileid={}"
FOLDER = Place(ONLYOFFICE, "folder")


class Onlyoffice:
    """A FileService."""

    name = ONLYOFFICE
    dialect = DIALECT

    def __init__(self, client: Client) -> None:
        self._client = client
        self.portal = Portal(client)
        self._folders = Folders(self.portal)
        self._listings: dict[str, list[ServiceFile]] = {}

    async def check(self) -> None:
        await check(self._client, DIALECT, "/people/@self")

    async def files_at(self, place: Place) -> AsyncIterator[ServiceFile]:
        """The files of a task or a discussion; those in a folder; those in all folders of a project."""
        if place.kind in KINDS:
            async for page in self.portal.pages(f"{path_of(place)}/files", str(place)):
                for file in files_of(page, place):
                    yield file
            return
        async for file in self._folders.files(await self._folders.of(place), place):
            yield file

    async def get(self, file_id: str) -> ServiceFile:
        return await self.portal.file(Request("GET", path_of_file(file_id), read), f"file {file_id}")

    @asynccontextmanager
    async def open(
        self, file: ServiceFile, headers: Mapping[str, str] = NO_HEADERS
    ) -> AsyncIterator[Download | Failure]:
        """Opens the contents at the address that the file names, or if that gives nothing, at the portal's handler."""
        own = HANDLER.format(quote(file.file_id, safe=""))
        address = self._address(file.download_url)
        if address:
            async with self._client.stream(address, headers=headers) as contents:
                if isinstance(contents, Download):
                    yield contents
                    return
        async with self._client.stream(own, headers=headers) as contents:
            yield contents

    async def upload(self, contents: Contents, place: Place) -> ServiceFile:
        """Uploads into a folder, always as a new file: a title that is taken would become a new version of that file.

        Then attaches the file to the task or discussion.
        """
        if not place.kind:
            raise SettingsError("ONLYOFFICE takes a file only at a place; name one, such as onlyoffice:task/9.")
        folder = await self._folders.of(place)
        form = Form((("createNewIfExist", "true"),), contents)
        request = Request("POST", f"/files/{folder}/upload?createNewIfExist=true", read, form=form, once=True)
        file = await self.portal.file(request, f"the upload of {contents.name!r} to {place}")
        return await self._attached(file, place) if place.kind in KINDS else file

    async def _attached(self, file: ServiceFile, place: Place) -> ServiceFile:
        """Attaches an upload; raises AnswerLost if that fails, because the file is in its folder by then."""
        try:
            await self._attach(file.file_id, place)
            return _at(file, place)
        except (FileRefused, PyrusUnreachable) as error:
            message = f"ONLYOFFICE has file {file.file_id} now, but not at {place}: {error}"
            raise AnswerLost(message, is_final=True) from error

    async def traces(self, place: Place, *, fresh: bool = True) -> list[ServiceFile]:
        """The files at the place, and those in the folder into which its uploads go.

        That folder may have thousands of files and serve as many tasks, so it is read again only for `fresh`.
        """
        found = {file.file_id: file async for file in self.files_at(place)}
        if place.kind not in KINDS:
            return list(found.values())
        folder = await self._folders.of(place)
        if fresh or folder not in self._listings:
            self._listings[folder] = [_brief(file) async for file in self._folders.files(folder, FOLDER)]
        return [*found.values(), *(file for file in self._listings[folder] if file.file_id not in found)]

    def could_be(self, file: ServiceFile, name: str, size: int | None) -> bool:
        return could_be(file, name, size)

    async def attach(self, file_id: str, place: Place, token: Secret | None = None) -> ServiceFile:
        """Attaches a file that is in the portal already; to repeat it does no harm."""
        if place.kind not in KINDS:
            raise SettingsError(f"ONLYOFFICE attaches files to tasks and discussions, and not to {place}.")
        await self._attach(file_id, place)
        file = ServiceFile(service=ONLYOFFICE, file_id=file_id)
        with suppress(FileRefused, PyrusUnreachable):  # it is attached, whether the portal describes it or not
            file = await self.get(file_id)
        return _at(file, place)

    async def _attach(self, file_id: str, place: Place) -> None:
        number = whole(file_id)
        body = {f"{KINDS[place.kind]}id": int(place.place_id), "files": [file_id if number is None else number]}
        await self.portal.ask(Request("POST", f"{path_of(place)}/files", read, body), f"file {file_id} at {place}")

    async def detach(self, file_id: str, place: Place) -> None:
        """Takes a file off a task or a discussion; it stays in its folder."""
        if place.kind not in KINDS:
            raise SettingsError(f"ONLYOFFICE detaches files from tasks and discussions, and not from {place}.")
        number = whole(file_id)
        body = {"fileid": file_id if number is None else number}
        await self.portal.ask(Request("DELETE", f"{path_of(place)}/files", read, body), f"file {file_id} at {place}")

    async def delete(self, file_id: str) -> None:
        await delete(self.portal, file_id)

    async def update(self, file_id: str, name: str | None, description: str | None) -> ServiceFile:
        if description is not None or name is None:
            raise SettingsError("ONLYOFFICE has no description of a file; give --name only.")
        return await self.portal.file(Request("PUT", path_of_file(file_id), read, {"title": name}), f"file {file_id}")

    def _address(self, link: str | None) -> str | None:
        """Where a link leads; at the portal's own host it is asked at the origin in the settings."""
        if not link:
            return None
        try:
            base = URL(self._client.settings.url)
            url = base.join(URL(link, encoded=True))
            is_own = url.host == base.host and (url.port == base.port or url.is_default_port())
            return str(URL(f"{base.origin()}{url.raw_path_qs}", encoded=True) if is_own else url)
        except ValueError:
            return None


def _at(file: ServiceFile, place: Place) -> ServiceFile:
    """The file as one that is attached to the place."""
    return msgspec.structs.replace(file, **{f"{place.kind}_id": place.place_id})


def _brief(file: ServiceFile) -> ServiceFile:
    """The file without what nobody compares."""
    return msgspec.structs.replace(file, payload=b"{}")
