"""A store of contents, wherever it is: a folder or an object store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from pyrus_etl.files.contents import Contents
from pyrus_etl.files.folder import Folder
from pyrus_etl.files.target import folder_of


class FileStore(Protocol):
    """An open store. Every call raises TargetUnavailable if the store cannot be used, and what the contents raise.

    A path is `folder/name`, both safe (see `files.names`); nothing outside the target is ever read or written.
    """

    target: str
    """The URL of the target; see `files.target`."""

    async def put(self, path: str, contents: Contents) -> None:
        """Stores contents, which appear under their name when they are whole, in place of any other file there.

        Every block is added to their check, which is verified before they get their name. Raises FileRefused if
        something else is in the way of this file.
        """
        ...

    def read(self, path: str) -> AsyncIterator[bytes]:
        """The contents piece by piece; raises FileNotFoundError."""
        ...

    async def delete(self, path: str) -> None:
        """Deletes a file and its folder, if they are there."""
        ...

    async def remove_unfinished(self) -> None:
        """Removes what killed runs left unfinished; no other run may be storing files here.

        Call it before files are put. A folder keeps the large files that `put` may continue.
        """
        ...

    async def remove_abandoned(self) -> None:
        """Removes what is unfinished after all files were put; no other run may be storing files here."""
        ...


@asynccontextmanager
async def open_store(
    target: str, *, is_read_only: bool = False, may_create_parents: bool = False
) -> AsyncIterator[FileStore]:
    """Opens the store of a target, and closes it with the block. Raises TargetUnavailable.

    A folder is created if it is missing, unless only its parents could be the mistake: they must be there, unless
    `may_create_parents`. A store that is only read is not created.
    """
    if folder := folder_of(target):
        with Folder(target, folder, may_create=not is_read_only, may_create_parents=may_create_parents) as opened:
            yield opened
        return
    from pyrus_etl.files.objects import Objects  # slow to import, and not needed for a folder

    yield Objects(target)
