"""Everything that has files at Paymo: its projects, archived ones too."""

from typing import Any

from pyrus_etl.extract.files.lenient import filled, objects, reader
from pyrus_etl.extract.paymo.service import Paymo
from pyrus_etl.model.place import PAYMO, Place


def _ids(served: dict[str, Any]) -> list[str]:
    return [found for each in objects(served.get("projects")) if (found := filled(each.get("id")))]


_read_ids = reader(_ids)


async def projects(service: Paymo) -> list[str]:
    pages = service.lists.pages("/projects", _read_ids, str, "", "its projects")
    return [project_id async for page in pages for project_id in page]


async def places(service: Paymo, project_id: str) -> list[Place]:
    """The project alone: its list has the files of its tasks, discussions and comments too."""
    return [Place(PAYMO, "project", project_id)]
