"""Objects of a portal as its answers show them."""

from __future__ import annotations

from typing import Any

from pyrus_etl.sandbox.onlyoffice.given import Given
from pyrus_etl.sandbox.onlyoffice.routes import EDITOR, HANDLER
from pyrus_etl.sandbox.onlyoffice.wording import wrapped
from pyrus_etl.sandbox.onlyoffice.world import FileId, World
from pyrus_etl.sandbox.organisation.dice import mix
from pyrus_etl.sandbox.tasks.contents import size_of

Json = dict[str, Any]


def project(one: Json) -> Json:
    return {key: value for key, value in one.items() if key != "projectFolder"} | {"canEdit": True}


def headed(world: World, entity: Json) -> Json:
    """A task or a message without its files."""
    project = world.tables["projects"][entity["projectId"]]
    owner = {"id": project["id"], "title": project["title"], "status": project["status"]}
    return {key: value for key, value in entity.items() if key != "projectId"} | {"projectOwner": owner}


def folder_of(world: World, folder: Json, given: Given) -> Json:
    """The contents of a folder: its folders, then its files. They page by themselves, inside of the response."""
    folders = [headed_folder(world, one) for one in folders_in(world, folder["id"])]
    files = [shown(world, one) for one in world.in_folder(folder["id"])]
    everything = [*folders, *files]
    page = everything[given.start : given.start + given.count]
    parts = {"folders": [one for one in page if one in folders], "files": [one for one in page if one in files]}
    counted = {"startIndex": given.start, "count": len(page), "total": len(everything)}
    return wrapped(parts | {"current": headed_folder(world, folder), "pathParts": [2, folder["id"]]} | counted)


def folders_in(world: World, parent_id: int) -> list[Json]:
    return [one for one in world.tables["folders"].values() if one["parentId"] == parent_id]


def headed_folder(world: World, folder: Json) -> Json:
    counts = {
        "filesCount": len(world.in_folder(folder["id"])),
        "foldersCount": len(folders_in(world, folder["id"])),
    }
    return {key: value for key, value in folder.items() if key != "projectId"} | counts | {"rootFolderType": 8}


def shown(world: World, file: Json) -> Json:
    size = size_of(world.versions[file["id"]][-1])
    ending = "." + file["title"].rpartition(".")[2] if "." in file["title"] else ""
    cloud = isinstance(file["id"], str)
    provider = {"providerItem": True, "providerKey": "DropBox", "providerId": 337} if cloud else {}
    sizes = {"contentLength": f"{size / 1024:.2f} KB", "pureContentLength": size, "versionGroup": 1}
    kinds = {"fileStatus": 0, "fileType": 7, "fileExst": ending, "access": 0, "shared": False}
    links = {"viewUrl": address(world, file), "webUrl": f"{world.origin}{EDITOR}?fileid={file['id']}"}
    return file | sizes | kinds | links | provider


def address(world: World, file: Json) -> str:
    return f"{world.origin}{HANDLER}?action=download&fileid={file['id']}"


def signature(world: World, file_id: FileId) -> str:
    return f"{mix(world.seed, *str(file_id).encode()):016x}"
