"""A portal of ONLYOFFICE: what an answer means, its lists, and its paths."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from pyrus_etl.client.client import Client
from pyrus_etl.client.request import Request
from pyrus_etl.errors import AnswerLost, FileRefused, LoginRefused
from pyrus_etl.extract.files.endless import require_end
from pyrus_etl.extract.files.lenient import objects
from pyrus_etl.extract.files.refusals import ask
from pyrus_etl.extract.onlyoffice.dialect import DIALECT
from pyrus_etl.extract.onlyoffice.read import files_of
from pyrus_etl.extract.onlyoffice.wrapper import Wrapped, next_start, read
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import Place

PAGE_SIZE = 1000
"""Entries that are asked for, after the first page; the portal has a smaller limit of its own."""
KINDS = {"task": "task", "discussion": "message"}
"""Our word for what files are attached to → the portal's."""


class Portal:
    """Asks a portal. An error in a good answer is a refusal too."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, request: Request[Wrapped], what: str) -> Wrapped:
        """The content of an answer; raises LoginRefused, FileRefused and PyrusUnreachable."""
        wrapped = (await ask(self.client, DIALECT, request, what)).value
        if not wrapped.error:
            return wrapped
        if wrapped.status_code == 401:
            raise LoginRefused(f"ONLYOFFICE refused ONLYOFFICE_TOKEN: {wrapped.error}; get a new one.")
        message = f"ONLYOFFICE refuses {what}: {wrapped.error}; check its id, and what this account may do."
        raise FileRefused(message, status=wrapped.status_code or 0)

    async def pages(self, path: str, what: str) -> AsyncIterator[list[dict[str, Any]]]:
        """Reads a list to its end, page by page; raises PyrusUnreachable if it never ends."""
        start: int | None = 0
        asked = 0
        while start is not None:
            require_end(DIALECT, asked := asked + 1, what)
            wrapped = await self.ask(Request("GET", from_start(path, start), read), what)
            found = objects(wrapped.response)
            yield found
            start = next_start(wrapped, start, len(found))

    async def file(self, request: Request[Wrapped], what: str) -> ServiceFile:
        """The file in an answer; raises AnswerLost or FileRefused if there is none."""
        wrapped = await self.ask(request, what)
        if found := files_of(wrapped.response):
            return found[0]
        if request.once:
            raise AnswerLost(f"ONLYOFFICE's answer about {what} has no file; look whether it is there.", is_final=True)
        raise FileRefused(f"ONLYOFFICE's answer about {what} has no file; check its id.")


def path_of(place: Place) -> str:
    return f"/project/{KINDS[place.kind]}/{place.place_id}"


def from_start(path: str, start: int) -> str:
    """The rest of a list, from an entry on. A list that does not say how much it wants gets as much as any."""
    mark = "&" if "?" in path else "?"
    return f"{path}{mark}count={PAGE_SIZE}&startIndex={start}" if start else path


def path_of_file(file_id: str) -> str:
    return f"/files/file/{quote(file_id, safe='')}"
