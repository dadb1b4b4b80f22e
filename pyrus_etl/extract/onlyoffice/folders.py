"""The folders of a portal: which one a place has, and the files in it."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from pyrus_etl.client.request import Request
from pyrus_etl.errors import FileRefused
from pyrus_etl.extract.files.endless import require_bottom, require_end
from pyrus_etl.extract.files.lenient import filled, nested, objects, whole
from pyrus_etl.extract.onlyoffice.dialect import DIALECT
from pyrus_etl.extract.onlyoffice.portal import KINDS, Portal, from_start, path_of
from pyrus_etl.extract.onlyoffice.read import files_of
from pyrus_etl.extract.onlyoffice.wrapper import Wrapped, next_start, read
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import ONLYOFFICE, Place


class Folders:
    """Finds the folder of each place once."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._found: dict[Place, str] = {}

    async def of(self, place: Place) -> str:
        """The folder of a place: itself, or the root folder of its project."""
        if place.kind == "folder":
            return place.place_id
        if place not in self._found:
            self._found[place] = await self._root(place)
        return self._found[place]

    async def _root(self, place: Place) -> str:
        if place.kind in KINDS:
            response = (await self._portal.ask(Request("GET", path_of(place), read), str(place))).response
            owner = filled(nested(response, "projectowner", "id")) or filled(nested(response, "project", "id"))
            if not owner:
                raise FileRefused(f"ONLYOFFICE does not say to which project {place} belongs; name a folder instead.")
            return await self.of(Place(ONLYOFFICE, "project", owner))
        path = f"/project/{place.place_id}"
        with suppress(FileRefused):  # the files of a project name their folder too
            response = (await self._portal.ask(Request("GET", path, read), str(place))).response
            if folder := filled(nested(response, "projectfolder")):
                return folder
        response = (await self._portal.ask(Request("GET", f"{path}/files", read), str(place))).response
        if folder := filled(nested(response, "current", "id")):
            return folder
        raise FileRefused(f"ONLYOFFICE does not name the folder of {place}; name a folder instead.", status=404)

    async def files(self, folder: str, place: Place) -> AsyncIterator[ServiceFile]:
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
            path = from_start(f"/files/{quote(folder, safe='')}", start)
            response = (await self._portal.ask(Request("GET", path, read), f"folder {folder}")).response
            page = response if isinstance(response, dict) else {}
            yield page
            taken = len(objects(page.get("files"))) + len(objects(page.get("folders")))
            start = next_start(Wrapped(total=whole(page.get("total"))), start, taken)
