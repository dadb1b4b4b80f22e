"""A file at another service → its row."""

from collections.abc import Sequence

from pyrus_etl.model.file import ServiceFile
from pyrus_etl.schema.service import ServiceFileRow

KINDS = ("task", "discussion", "comment")


def service_file_row(found: Sequence[ServiceFile]) -> ServiceFileRow:
    """The row of one file, from all places that list it: a file of ONLYOFFICE may be attached to several tasks.

    Of several tasks or discussions, the row names the one with the least id; `places` has them all.
    """
    file = found[0]
    return ServiceFileRow(
        service=file.service,
        file_id=file.file_id,
        name=file.name,
        size_bytes=file.size_bytes,
        media_type=file.media_type,
        description=file.description,
        project_id=next(iter(_ids(found, "project")), None),
        task_id=next(iter(_ids(found, "task")), None),
        discussion_id=next(iter(_ids(found, "discussion")), None),
        comment_id=next(iter(_ids(found, "comment")), None),
        author_id=file.author_id,
        created_at=file.created_at,
        updated_at=file.updated_at,
        download_url=file.download_url,
        payload=file.payload.decode(),
        places=tuple(f"{kind}/{place_id}" for kind in KINDS for place_id in _ids(found, kind)),
    )


def _ids(found: Sequence[ServiceFile], kind: str) -> list[str]:
    """The different ids of places of this kind, the least number first."""
    ids = {place_id for file in found if (place_id := getattr(file, f"{kind}_id"))}
    return sorted(ids, key=lambda each: (len(each), each))
