"""A file service as an account that a run logs in as. It has files, and no tasks."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from pyrus_etl.client.client import Client
from pyrus_etl.errors import TaskRefused
from pyrus_etl.extract.files import services
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.extract.onlyoffice import census as onlyoffice
from pyrus_etl.extract.onlyoffice.service import Onlyoffice
from pyrus_etl.extract.pages import Page, Question
from pyrus_etl.extract.paymo import census as paymo
from pyrus_etl.extract.paymo.service import Paymo
from pyrus_etl.extract.source import AccountAccess, Figures, Sample
from pyrus_etl.model.body import Fetched
from pyrus_etl.model.person import Profile
from pyrus_etl.model.place import ONLYOFFICE, PAYMO, Place
from pyrus_etl.settings import Settings

ACCOUNTS = {PAYMO: -1, ONLYOFFICE: -2}
"""Service → the id under which its runs are recorded and take their lock. Ids of persons at Pyrus are positive."""


class FileAccount(Figures):
    """A Source without tasks, through an open client.

    `projects` and `places` are for a census: all projects, and the places that together list all files of a project.
    """

    directory: Sequence[str] = ()
    has_feeds = False
    search_works = None
    writer = None

    def __init__(self, service: str, settings: Settings, client: Client) -> None:
        super().__init__(client)
        self.name = service
        self.files: FileService = services.service_of(service, client, settings)

    async def profile(self) -> Profile:
        """The account of the service, if it takes the key."""
        await self.files.check()
        return Profile(ACCOUNTS[self.name])

    async def sample(self) -> Sample:
        return Sample(0, has_more=False)

    async def access(self) -> None:
        """There are no forms."""

    async def pages(self, stream: str, question: Question) -> AsyncIterator[Page]:
        """There are no tasks."""
        nothing: tuple[Page, ...] = ()
        for page in nothing:
            yield page

    async def task(self, task_id: int) -> Fetched:
        raise TaskRefused(f"task {task_id}: {self.name} has files only", stage="fetch")

    async def projects(self) -> list[str]:
        if isinstance(self.files, Onlyoffice):
            return await onlyoffice.projects(self.files)
        assert isinstance(self.files, Paymo)
        return await paymo.projects(self.files)

    async def places(self, project_id: str) -> list[Place]:
        if isinstance(self.files, Onlyoffice):
            return await onlyoffice.places(self.files, project_id)
        assert isinstance(self.files, Paymo)
        return await paymo.places(self.files, project_id)


def access_of(service: str, settings: Settings) -> AccountAccess:
    """How a run gets to a file service; its name takes the place of a login."""
    client = partial(services.client_for, service, settings)
    return AccountAccess(client, partial(FileAccount, service, settings), service)
