"""Paymo's description of a file → ours: "The file object" on the vendor's page."""

from typing import Any

from pyrus_etl.extract.files.lenient import filled, moment, objects, payload, reader, text, whole
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PAYMO
from pyrus_etl.settings import Secret


def file_of(served: dict[str, Any]) -> ServiceFile | None:
    """The file; None if the description has no id. `size` is served as text or as a number."""
    if not (file_id := filled(served.get("id"))):
        return None
    token = filled(served.get("token"))
    return ServiceFile(
        service=PAYMO,
        file_id=file_id,
        name=text(served.get("original_filename")),
        size_bytes=whole(served.get("size")),
        media_type=filled(served.get("mime")),
        description=text(served.get("description")),
        project_id=filled(served.get("project_id")),
        task_id=filled(served.get("task_id")),
        discussion_id=filled(served.get("discussion_id")),
        comment_id=filled(served.get("comment_id")),
        author_id=filled(served.get("user_id")),
        created_at=moment(served.get("created_on")),
        updated_at=moment(served.get("updated_on")),
        download_url=filled(served.get("file")) or filled(served.get("download_url")),
        payload=payload({key: value for key, value in served.items() if key != "token"}),
        token=Secret(token) if token else None,
    )


def _files(served: dict[str, Any]) -> list[ServiceFile]:
    """Paymo wraps one file like many: `{"files": […]}`; one without the brackets is read too."""
    found = served.get("files")
    return [file for each in objects([found] if isinstance(found, dict) else found) if (file := file_of(each))]


read_files = reader(_files)
