"""Everything that has files in a portal: projects with their folders, tasks and discussions, closed ones too."""

from collections.abc import AsyncIterator

from pyrus_etl.errors import FileRefused
from pyrus_etl.extract.files.lenient import filled
from pyrus_etl.extract.onlyoffice.service import Onlyoffice
from pyrus_etl.model.place import ONLYOFFICE, Place

PROJECTS = ("/project", "/project/filter")
TASKS = ("/project/task/filter?projectid={}",)
DISCUSSIONS = ("/project/{}/message", "/project/message/filter?projectid={}")
"""The calls that list them. A portal that does not know one is asked the next."""


async def projects(service: Onlyoffice) -> list[str]:
    return await _ids(service, PROJECTS, "its projects")


async def places(service: Onlyoffice, project_id: str) -> list[Place]:
    """The project, whose folders are read, and everything that may refer to a file in them."""
    tasks = await _ids(service, [call.format(project_id) for call in TASKS], f"the tasks of project {project_id}")
    discussions = await _discussions(service, project_id)
    return [
        Place(ONLYOFFICE, "project", project_id),
        *(Place(ONLYOFFICE, "task", each) for each in tasks),
        *(Place(ONLYOFFICE, "discussion", each) for each in discussions),
    ]


async def _discussions(service: Onlyoffice, project_id: str) -> list[str]:
    """None if the portal knows no such call: discussions can be switched off."""
    calls = [call.format(project_id) for call in DISCUSSIONS]
    try:
        return await _ids(service, calls, f"the discussions of project {project_id}")
    except FileRefused as error:
        if error.status != 404:
            raise
        return []


async def _ids(service: Onlyoffice, calls: list[str] | tuple[str, ...], what: str) -> list[str]:
    """The ids in the list of the first call that the portal knows."""
    for call in calls[:-1]:
        try:
            return [each async for each in _listed(service, call, what)]
        except FileRefused as error:
            if error.status != 404:
                raise
    return [each async for each in _listed(service, calls[-1], what)]


async def _listed(service: Onlyoffice, call: str, what: str) -> AsyncIterator[str]:
    async for page in service.portal.pages(call, what):
        for each in page:
            if found := filled(each.get("id")):
                yield found
