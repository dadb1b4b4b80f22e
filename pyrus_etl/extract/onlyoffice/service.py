"""Files of ONLYOFFICE Workspace: https://api.onlyoffice.com/workspace, Projects and Files.

A file lives in a folder, and a task or a discussion only refers to it. So an upload to a task is two requests: the
upload into the folder of the task's project, and then the id of the file for the task.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import msgspec
from yarl import URL

from pyrus_etl.client.client import Client
from pyrus_etl.client.file import NO_HEADERS, Download
from pyrus_etl.client.form import Contents, Form
from pyrus_etl.client.meaning import Failure
from pyrus_etl.client.request import Request
from pyrus_etl.errors import AnswerLost, FileRefused, LoginRefused, PyrusUnreachable, SettingsError
from pyrus_etl.extract.endless import require_bottom, require_end
from pyrus_etl.extract.lenient import filled, nested, objects, whole
from pyrus_etl.extract.onlyoffice.dialect import DIALECT
from pyrus_etl.extract.onlyoffice.read import could_be, files_of
from pyrus_etl.extract.onlyoffice.wrapper import Wrapped, next_start, read
from pyrus_etl.extract.refusals import ask, check
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import ONLYOFFICE, Place
from pyrus_etl.settings import Secret

HANDLER = "/products/files/httphandlers/filehandler.ashx?action=download&fileid={}"
KINDS = {"task": "task", "discussion": "message"}
"""Our word for what files are attached to → the portal's."""
FOLDER = Place(ONLYOFFICE, "folder")
PAGE_SIZE = 1000
"""Entries that are asked for, after the first page; the portal has a smaller limit of its own."""
FIRST_POLL, LONGEST_POLL, PATIENCE = 0.05, 2.0, 600.0
"""Seconds between looks at a deletion, at first and at most, and for all of them."""


class Onlyoffice:
    """A FileService."""

    name = ONLYOFFICE
    dialect = DIALECT

    def __init__(self, client: Client) -> None:
        self._client = client
        self._folders: dict[Place, str] = {}
        self._listings: dict[str, list[ServiceFile]] = {}

    async def check(self) -> None:
        await check(self._client, DIALECT, "/people/@self")

    async def files_at(self, place: Place) -> AsyncIterator[ServiceFile]:
        """The files of a task or a discussion; those in a folder; those in all folders of a project."""
        if place.kind in KINDS:
            async for page in self.pages(f"{_path(place)}/files", str(place)):
                for file in files_of(page, place):
                    yield file
            return
        async for file in self._below(await self._folder(place), place):
            yield file

    async def pages(self, path: str, what: str) -> AsyncIterator[list[dict[str, Any]]]:
        """Reads a list to its end, page by page; raises PyrusUnreachable if it never ends."""
        start: int | None = 0
        asked = 0
        while start is not None:
            require_end(DIALECT, asked := asked + 1, what)
            wrapped = await self._ask(Request("GET", _from(path, start), read), what)
            found = objects(wrapped.response)
            yield found
            start = next_start(wrapped, start, len(found))

    async def get(self, file_id: str) -> ServiceFile:
        return await self._one(Request("GET", _file(file_id), read), f"file {file_id}")

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
        folder = await self._folder(place)
        form = Form((("createNewIfExist", "true"),), contents)
        request = Request("POST", f"/files/{folder}/upload?createNewIfExist=true", read, form=form, once=True)
        file = await self._one(request, f"the upload of {contents.name!r} to {place}")
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
        folder = await self._folder(place)
        if fresh or folder not in self._listings:
            self._listings[folder] = [_brief(file) async for file in self._below(folder, FOLDER)]
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
        await self._ask(Request("POST", f"{_path(place)}/files", read, body), f"file {file_id} at {place}")

    async def detach(self, file_id: str, place: Place) -> None:
        """Takes a file off a task or a discussion; it stays in its folder."""
        if place.kind not in KINDS:
            raise SettingsError(f"ONLYOFFICE detaches files from tasks and discussions, and not from {place}.")
        number = whole(file_id)
        body = {"fileid": file_id if number is None else number}
        await self._ask(Request("DELETE", f"{_path(place)}/files", read, body), f"file {file_id} at {place}")

    async def update(self, file_id: str, name: str | None, description: str | None) -> ServiceFile:
        if description is not None or name is None:
            raise SettingsError("ONLYOFFICE has no description of a file; give --name only.")
        return await self._one(Request("PUT", _file(file_id), read, {"title": name}), f"file {file_id}")

    async def delete(self, file_id: str) -> None:
        """Moves a file to the trash, and waits until the portal has done so."""
        try:
            wrapped = await self._ask(Request("DELETE", _file(file_id), read, {}, once=True), f"file {file_id}")
            started = objects(wrapped.response)
        except AnswerLost:
            started = await self._operations()
            if not started and not await self._is_gone(file_id):
                raise
        await self._finished(file_id, started)

    async def _is_gone(self, file_id: str) -> bool:
        try:
            await self.get(file_id)
        except FileRefused as error:
            return error.status == 404
        return False

    async def _finished(self, file_id: str, started: list[dict[str, Any]]) -> None:
        """Polls until the operations are finished; raises FileRefused if one fails."""
        ids = {filled(each.get("id")) for each in started}
        pause, end = FIRST_POLL, time.monotonic() + PATIENCE
        running = started
        while running := [each for each in running if filled(each.get("id")) in ids and not _is_done(each)]:
            if error := next(filter(None, (filled(each.get("error")) for each in running)), None):
                raise FileRefused(f"ONLYOFFICE did not delete file {file_id}: {error}; look at it in the portal.")
            if time.monotonic() > end:
                raise AnswerLost(f"ONLYOFFICE is still deleting file {file_id}; look at it in the portal.")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL)
            running = await self._operations()

    async def _operations(self) -> list[dict[str, Any]]:
        return objects((await self._ask(Request("GET", "/files/fileops", read), "its operations")).response)

    async def _below(self, folder: str, place: Place) -> AsyncIterator[ServiceFile]:
        """The files in a folder; for a project, in the folders inside of it too.

        Each folder is read once, whatever folders it is in. Raises PyrusUnreachable if they are nested without an end.
        """
        waiting, seen = [(folder, 0)], {folder}
        while waiting:
            folder, depth = waiting.pop()
            require_bottom(DIALECT, depth, str(place))
            async for response in self._contents(folder):
                for file in files_of(response.get("files"), place):
                    yield file
                inner = [filled(each.get("id")) for each in objects(response.get("folders"))]
                fresh = [each for each in inner if each and each not in seen] if place.kind == "project" else []
                seen.update(fresh)
                waiting += [(each, depth + 1) for each in fresh]

    async def _contents(self, folder: str) -> AsyncIterator[dict[str, Any]]:
        """The contents of a folder, page by page; they have a start and a total of their own."""
        start: int | None = 0
        asked = 0
        while start is not None:
            require_end(DIALECT, asked := asked + 1, f"folder {folder}")
            path = _from(f"/files/{quote(folder, safe='')}", start)
            response = (await self._ask(Request("GET", path, read), f"folder {folder}")).response
            page = response if isinstance(response, dict) else {}
            yield page
            taken = len(objects(page.get("files"))) + len(objects(page.get("folders")))
            start = next_start(Wrapped(total=whole(page.get("total"))), start, taken)

    async def _folder(self, place: Place) -> str:
        """The folder of a place: itself, or the root folder of its project."""
        if place.kind == "folder":
            return place.place_id
        if place not in self._folders:
            self._folders[place] = await self._root(place)
        return self._folders[place]

    async def _root(self, place: Place) -> str:
        if place.kind in KINDS:
            response = (await self._ask(Request("GET", _path(place), read), str(place))).response
            owner = filled(nested(response, "projectowner", "id")) or filled(nested(response, "project", "id"))
            if not owner:
                raise FileRefused(f"ONLYOFFICE does not say to which project {place} belongs; name a folder instead.")
            return await self._folder(Place(ONLYOFFICE, "project", owner))
        path = f"/project/{place.place_id}"
        with suppress(FileRefused):  # the files of a project name their folder too
            response = (await self._ask(Request("GET", path, read), str(place))).response
            if folder := filled(nested(response, "projectfolder")):
                return folder
        response = (await self._ask(Request("GET", f"{path}/files", read), str(place))).response
        if folder := filled(nested(response, "current", "id")):
            return folder
        raise FileRefused(f"ONLYOFFICE does not name the folder of {place}; name a folder instead.", status=404)

    async def _one(self, request: Request[Wrapped], what: str) -> ServiceFile:
        wrapped = await self._ask(request, what)
        if found := files_of(wrapped.response):
            return found[0]
        if request.once:
            raise AnswerLost(f"ONLYOFFICE's answer about {what} has no file; look whether it is there.", is_final=True)
        raise FileRefused(f"ONLYOFFICE's answer about {what} has no file; check its id.")

    async def _ask(self, request: Request[Wrapped], what: str) -> Wrapped:
        """The content of an answer; an error in a good answer is a refusal too."""
        wrapped = (await ask(self._client, DIALECT, request, what)).value
        if not wrapped.error:
            return wrapped
        if wrapped.status_code == 401:
            raise LoginRefused(f"ONLYOFFICE refused ONLYOFFICE_TOKEN: {wrapped.error}; get a new one.")
        message = f"ONLYOFFICE refuses {what}: {wrapped.error}; check its id, and what this account may do."
        raise FileRefused(message, status=wrapped.status_code or 0)

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


def _path(place: Place) -> str:
    return f"/project/{KINDS[place.kind]}/{place.place_id}"


def _from(path: str, start: int) -> str:
    """The rest of a list, from an entry on. A list that does not say how much it wants gets as much as any."""
    mark = "&" if "?" in path else "?"
    return f"{path}{mark}count={PAGE_SIZE}&startIndex={start}" if start else path


def _file(file_id: str) -> str:
    return f"/files/file/{quote(file_id, safe='')}"


def _at(file: ServiceFile, place: Place) -> ServiceFile:
    """The file as one that hangs at the place."""
    return msgspec.structs.replace(file, **{f"{place.kind}_id": place.place_id})


def _brief(file: ServiceFile) -> ServiceFile:
    """The file without what nobody compares."""
    return msgspec.structs.replace(file, payload=b"{}")


def _is_done(operation: dict[str, Any]) -> bool:
    return not filled(operation.get("error")) and (
        operation.get("finished") is True or whole(operation.get("progress")) == 100
    )
