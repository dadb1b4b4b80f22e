"""Contents that stream from one service to another: read and checked while they are sent."""

import hashlib
from collections.abc import AsyncIterator

from pyrus_etl.client.network.file import Download
from pyrus_etl.client.network.form import ANY_TYPE, Contents
from pyrus_etl.errors import FileRefused
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.extract.files.refusals import refused
from pyrus_etl.model.file import ServiceFile


def streamed(source: FileService, file: ServiceFile) -> Contents:
    """The contents of a file at a service; each reading opens them there again.

    Reading them raises FileRefused if they cannot be had or have another MD5 than stated, and BodyCut if they break
    off. The sender checks their size.
    """
    name = file.name or f"{file.service}-{file.file_id}"
    return Contents(name, file.size_bytes, file.media_type or ANY_TYPE, lambda: _pieces(source, file))


async def _pieces(source: FileService, file: ServiceFile) -> AsyncIterator[bytes]:
    digest = hashlib.md5(usedforsecurity=False)
    async with source.open(file) as opened:
        if not isinstance(opened, Download):
            raise refused(source.dialect, f"the contents of {file.service}:{file.file_id}", opened)
        async for piece in opened.chunks:
            digest.update(piece)
            yield piece
    if file.md5 and digest.hexdigest() != file.md5.lower():
        raise FileRefused(f"The contents of {file.service}:{file.file_id} have another MD5 than stated; try again.")
