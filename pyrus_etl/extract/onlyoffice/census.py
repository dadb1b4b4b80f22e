"""Everything that has files in a portal: projects with their folders, tasks and discussions, closed ones too."""

from collections.abc import AsyncIterator

from pyrus_etl.extract.lenient import filled
from pyrus_etl.extract.onlyoffice.service import Onlyoffice
from pyrus_etl.model.place import ONLYOFFICE, Place


async def projects(service: Onlyoffice) -> list[str]:
    return [project_id async for project_id in _ids(service, "/project/filter", "its projects")]


async def places(service: Onlyoffice, project_id: str) -> list[Place]:
    """The project, whose folders are read, and everything that may refer to a file in them."""
    found = [Place(ONLYOFFICE, "project", project_id)]
    for kind, word in (("task", "task"), ("discussion", "message")):
        path, what = f"/project/{word}/filter?projectid={project_id}", f"the {kind}s of project {project_id}"
        found += [Place(ONLYOFFICE, kind, place_id) async for place_id in _ids(service, path, what)]
    return found


async def _ids(service: Onlyoffice, path: str, what: str) -> AsyncIterator[str]:
    async for page in service.pages(path, what):
        for each in page:
            if place_id := filled(each.get("id")):
                yield place_id
