"""Files that a request of API v4 refers to: uploads, new versions, files that a task has already, and links."""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.tasks.comments import File
from pyrus_etl.sandbox.world.world import World


class Attachment(msgspec.Struct, forbid_unknown_fields=True):
    """`root_id` is the file of which an upload is a new version; `attachment_id` is a file that exists."""

    guid: str | None = None
    root_id: int | None = None
    attachment_id: int | None = None
    url: str | None = None
    name: str | None = None


def files(world: World, given: Any) -> tuple[File, ...]:
    """The files; their uploads are not used up yet. Refused if one is unknown."""
    return tuple(file(world, one) for one in attachments(given))


def attachments(given: Any) -> list[Attachment]:
    """What a request says about files: text is the id of an upload."""
    try:
        several = given if isinstance(given, list) else [] if given is None else [given]
        return [Attachment(one) if isinstance(one, str) else msgspec.convert(one, Attachment) for one in several]
    except msgspec.ValidationError as unreadable:
        raise Refused("invalid_value_format", about=str(unreadable)) from unreadable


def file(world: World, given: Attachment) -> File:
    if given.guid is not None:
        (upload,) = world.uploads.find([given.guid], world.clock.now())
        return world.file(upload.name, upload.content, given.root_id)
    if given.url is not None:
        return world.file(given.name or given.url, b"", url=given.url)
    return existing(world, given.attachment_id)


def existing(world: World, file_id: int | None) -> File:
    """A file that a task shows."""
    try:
        name = world.file_name(file_id) if file_id is not None else None
    except KeyError:
        name = None
    if name is None or file_id is None:
        raise Refused("unrecognized_attachment_id")
    return File(file_id, name, world.contents(file_id))


def guids(given: Any) -> list[str]:
    """The ids of the uploads among them."""
    return [one.guid for one in attachments(given) if one.guid is not None]
