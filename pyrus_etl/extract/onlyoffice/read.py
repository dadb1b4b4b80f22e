"""ONLYOFFICE's description of a file → ours. Names are in lower case; see `wrapper`."""

import re
from typing import Any

from pyrus_etl.extract.files.lenient import filled, moment, nested, objects, payload, same_name, text, whole
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import ONLYOFFICE, Place

LONGEST_TITLE = 170
"""Letters of a title that the portal keeps, about; the ending is kept too."""

_REFUSED = re.compile('[*?"<>|:/\\\\\U00010000-\U0010ffff\ud800-\udfff]')
_NUMBERED = re.compile(r" \(\d+\)(?=(\.[^.]*)?$)")


def file_of(served: dict[str, Any], place: Place | None = None) -> ServiceFile | None:
    """The file, at its place; None if the description has no id.

    The newest example of the vendor's page has no id: its `Location`, which is unique in a portal, is the id then.
    The portal gives neither a media type nor a checksum, and `contentLength` is rounded for readers ("12.06 KB").
    """
    file_id = filled(served.get("id")) or filled(served.get("location"))
    if not file_id:
        return None
    attached_to: dict[str, Any] = {f"{place.kind}_id": place.place_id} if place and place.kind != "folder" else {}
    return ServiceFile(
        service=ONLYOFFICE,
        file_id=file_id,
        name=text(served.get("title")) or text(served.get("name")),
        size_bytes=whole(served.get("purecontentlength")),
        description=filled(served.get("comment")),
        author_id=filled(nested(served, "createdby", "id")),
        created_at=moment(served.get("created")),
        updated_at=moment(served.get("updated")),
        download_url=filled(served.get("viewurl")),
        payload=payload(served),
        **attached_to,
    )


def files_of(served: Any, place: Place | None = None) -> list[ServiceFile]:
    """The files in a list, or the one file that an answer is."""
    found = objects(served if isinstance(served, list) else [served])
    return [file for each in found if (file := file_of(each, place))]


def cleaned(name: str) -> str:
    """The title that the portal makes of a name: trimmed, cut, and with `_` for what it does not take.

    Each half of a surrogate pair counts, so an emoji becomes two. Source: `Global.ReplaceInvalidCharsAndTruncate` of
    CommunityServer.
    """
    title = _REFUSED.sub(lambda found: "_" * (2 if ord(found[0]) > 0xFFFF else 1), name.strip())
    if len(title) <= LONGEST_TITLE:
        return title
    stem, dot, ending = title.rpartition(".")
    return f"{stem[: LONGEST_TITLE - len(ending) - 1]}.{ending}" if dot else title[:LONGEST_TITLE]


def could_be(file: ServiceFile, name: str, size: int | None) -> bool:
    """Whether a file may be an upload of this name and size.

    Titles are cleaned, numbered if they are taken ("name (1).txt"), and cut somewhere by the portal.
    """
    if size is not None and file.size_bytes is not None and file.size_bytes != size:
        return False
    titles = (file.name or "", _NUMBERED.sub("", file.name or ""))
    return any(same_name(title, sent) for title in titles for sent in (cleaned(name), name))
