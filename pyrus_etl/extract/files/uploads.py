"""Uploads that are sent once: after a lost answer, what they have left is looked for before they are sent again."""

from collections.abc import Collection
from functools import partial

from pyrus_etl.client.network.form import Contents
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.extract.files.refusals import settled
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import Place


async def uploaded(service: FileService, contents: Contents, place: Place, pause: float) -> ServiceFile:
    """Uploads a file to a place; an upload without a place may be repeated freely.

    `pause`: seconds after which the service is done with a request whose answer was lost. Raises AnswerLost.
    """
    if not place.kind:
        return await service.upload(contents, place)
    known = {file.file_id for file in await service.traces(place)}
    look = partial(left_by_upload, service, contents.name, contents.size, place, known)
    return await settled(partial(service.upload, contents, place), look, pause)


async def left_by_upload(
    service: FileService, name: str, size: int | None, place: Place, known: Collection[str]
) -> ServiceFile | None:
    """What an upload to a place has left, attached to the place; None if there is nothing.

    `known`: ids of files that are not from this upload.
    """
    for file in await service.traces(place):
        if file.file_id not in known and service.could_be(file, name, size):
            return file if _is_at(file, place) else await service.attach(file.file_id, place)
    return None


def _is_at(file: ServiceFile, place: Place) -> bool:
    return place.kind == "folder" or getattr(file, f"{place.kind}_id") == place.place_id
