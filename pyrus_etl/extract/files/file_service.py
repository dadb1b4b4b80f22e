"""A file service as the commands see it, whichever service answers: Pyrus, Paymo or ONLYOFFICE."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from pyrus_etl.client.dialect import Dialect
from pyrus_etl.client.meaning import Failure
from pyrus_etl.client.network.file import NO_HEADERS, Download
from pyrus_etl.client.network.form import Contents
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import Place
from pyrus_etl.settings import Secret


class FileService(Protocol):
    """The files of one service, through an open client.

    Every call raises LoginRefused or PyrusUnreachable if nothing can go on, and FileRefused if the service refuses
    this one file or place. A call that the service has no method for raises SettingsError, with what to do instead.
    A write whose answer is lost is never sent again blindly: if its effect cannot be found, it raises AnswerLost.
    `upload` need not look for its effect: see `uploads`.
    """

    name: str
    """As in names of files: pyrus, paymo or onlyoffice."""
    dialect: Dialect

    def files_at(self, place: Place) -> AsyncIterator[ServiceFile]:
        """The files of a place, page by page, in no promised order."""
        ...

    async def get(self, file_id: str) -> ServiceFile:
        """The description of a file."""
        ...

    def open(
        self, file: ServiceFile, headers: Mapping[str, str] = NO_HEADERS
    ) -> AbstractAsyncContextManager[Download | Failure]:
        """Opens the contents; yields them, or why they cannot be had. `headers`: such as Range. See `Client.stream`."""
        ...

    async def upload(self, contents: Contents, place: Place) -> ServiceFile:
        """Uploads a file and attaches it to the place, if that has a kind; raises AnswerLost."""
        ...

    async def traces(self, place: Place, *, fresh: bool = True) -> list[ServiceFile]:
        """All files at a place, and those among which an upload that was not attached to it may be.

        Read before an upload and after a lost answer, it shows what the upload has left. Before, it need not be
        `fresh`: what this service was asked earlier will do.
        """
        ...

    def could_be(self, file: ServiceFile, name: str, size: int | None) -> bool:
        """Whether a file may be an upload of this name and size; a service may change names."""
        ...

    async def attach(self, file_id: str, place: Place, token: Secret | None = None) -> ServiceFile:
        """Attaches a file that the service has already; `token`: of an unattached file of Paymo."""
        ...

    async def update(self, file_id: str, name: str | None, description: str | None) -> ServiceFile:
        """Gives a file another name or description; None leaves it alone."""
        ...

    async def delete(self, file_id: str) -> None:
        """Deletes a file."""
        ...

    async def detach(self, file_id: str, place: Place) -> None:
        """Takes a file off a place; it stays at the service."""
        ...

    async def check(self) -> None:
        """Asks for something small; raises LoginRefused or PyrusUnreachable if the service as a whole is failing."""
        ...
