"""API v4, the one of live accounts: https://pyrus.com/en/help/api."""

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

import msgspec

from pyrus_etl.client.client import Client
from pyrus_etl.client.decode import damage, storable
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused, Unreadable
from pyrus_etl.client.quota.waits import Announce, log_wait
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import BodyTooLarge, CensusDoubted, FeedRefused, TaskRefused
from pyrus_etl.extract.files.attached import PyrusFiles
from pyrus_etl.extract.pages import Census, Changed, FirstRows, Page, Question
from pyrus_etl.extract.privacy import hidden, sha256_of, without_payload
from pyrus_etl.extract.source import Figures, Sample
from pyrus_etl.extract.v4.access import access_of
from pyrus_etl.extract.v4.dialect import DIALECT
from pyrus_etl.extract.v4.directory import Directory, reader
from pyrus_etl.extract.v4.files import METHODS
from pyrus_etl.extract.v4.listing.asking import Lister, unreachable
from pyrus_etl.extract.v4.listing.hybrid import Search
from pyrus_etl.extract.v4.listing.lists import Lists
from pyrus_etl.extract.v4.listing.pages import NO_FEEDS, Feeds, TaskPages
from pyrus_etl.extract.v4.listing.register import Registers
from pyrus_etl.extract.v4.login import address_without_login, files_without_login, login
from pyrus_etl.extract.v4.wire.directory import Id
from pyrus_etl.extract.v4.wire.read import read_stored
from pyrus_etl.extract.v4.wire.task import Task as ServedTask
from pyrus_etl.extract.v4.writes import WRITES
from pyrus_etl.extract.writer import Writer
from pyrus_etl.model.access import Access
from pyrus_etl.model.body import Body, Fetched
from pyrus_etl.model.person import Profile
from pyrus_etl.model.stream import CATALOGS, FORMS, INBOX, LISTS, PEOPLE, TASKS
from pyrus_etl.model.task import Task
from pyrus_etl.model.window import EVERYTHING
from pyrus_etl.settings import Settings
from pyrus_etl.settings.privacy import Privacy

log = logging.getLogger(__name__)

API = "v4"
UNKNOWN_TASK = "unrecognized_task_id"


def client_for(settings: Settings, most_requests: int | None = None, announce: Announce = log_wait) -> Client:
    """A client of API v4."""
    client = Client(settings, DIALECT, login, most_requests, announce)
    client.set_address(address_without_login(settings))
    client.set_others(files_without_login(settings))
    return client


class ApiV4(Figures):
    """A Source that asks through an open client."""

    directory = (FORMS, LISTS, CATALOGS, PEOPLE)
    has_feeds = True

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._privacy = client.settings.privacy
        self._directory = Directory(client.ask, self._privacy)
        lister = Lister(client, self.profile)
        self._lists = Lists(lister, self._privacy)
        self._registers = Registers(lister, self._privacy)
        self._tasks = TaskPages(self._registers, self._lists)
        self._noted: set[str] = set()
        self._search = Search(client, may_try=_may_search(client.settings))
        self.files = PyrusFiles(client, self, METHODS)
        self.writer = Writer(client, WRITES)

    @property
    def search_works(self) -> bool | None:
        return self._search.works

    async def profile(self) -> Profile:
        request = Request("GET", "/profile", reader(_Profile))
        outcome = await self._client.ask(request)
        if not isinstance(outcome, Answer):
            raise unreachable(request, outcome)
        served: _Profile = outcome.value[0]
        return Profile(served.person_id, served.first_name, served.last_name, served.email, served.own_organization)

    async def sample(self) -> Sample:
        """Looks into the inbox, then into the registers, form by form, until there is a task."""
        async for page in self._inbox():
            if headers := list(page.items):
                return Sample(len(headers), has_more=False)
        for form in (await self._feeds(FirstRows(EVERYTHING, {}))).forms:
            try:
                if tasks := await self._registers.sample(form):
                    return Sample(tasks, has_more=True)
            except FeedRefused as error:
                log.debug("no sample of form %d: %s", form.id, error)
        return Sample(0, has_more=False)

    async def access(self) -> Access:
        selection = self._client.settings.forms
        return await access_of(self._client.ask, self._directory, (await self.profile()).id, selection)

    async def pages(self, stream: str, question: Question) -> AsyncIterator[Page]:
        async for page in self._pages(stream, question):
            yield page

    def _pages(self, stream: str, question: Question) -> AsyncIterator[Page]:
        if stream == INBOX:
            return self._inbox()
        return self._of_tasks(question) if stream == TASKS else self._directory.pages(stream, question)

    async def _inbox(self) -> AsyncIterator[Page]:
        try:
            yield Page((await self._lists.inbox()).headers)
        except FeedRefused as error:
            log.warning("Pyrus refuses the inbox to this account, so it stays as it is stored: %s", error)

    async def _of_tasks(self, question: Question) -> AsyncIterator[Page]:
        if isinstance(question, Changed) and await self._search.is_usable(question):
            async for headers in self._search.changed(question):
                yield Page(headers)
        if isinstance(question, Changed) and await self._search.is_usable(question):
            feeds = (await self._feeds(question)).among(question.periods) if question.periods else NO_FEEDS
        else:
            feeds = await self._feeds(question)
        now = self._client.server_time
        async for page in self._tasks.of(feeds, question, now):
            yield page

    async def _feeds(self, question: Question) -> Feeds:
        """The forms and lists to read. Raises CensusDoubted if Pyrus refuses to name them: nothing is absent then."""
        forms, lists = await self._directory.forms(), await self._directory.lists()
        if isinstance(question, Census) and (forms is None or lists is None):
            raise CensusDoubted(
                "Pyrus refuses its list of forms or of lists to this account, so no task can be called absent: nothing "
                "is marked as deleted; give the account its rights back."
            )
        selected, settings = Feeds(forms or (), lists or ()), self._client.settings
        if forms is not None:
            self._note_unseen("form", settings.forms.missing(form.id for form in forms))
        if lists is not None:
            self._note_unseen("list", settings.lists.missing(each.id for each in lists))
        return Feeds(
            [form for form in selected.forms if settings.forms.has(form.id)],
            [each for each in selected.lists if settings.lists.has(each.id) and not (each.is_form or each.deleted)],
        )

    def _note_unseen(self, kind: str, ids: tuple[int, ...]) -> None:
        """Says once which forms or lists the settings name and the account does not see."""
        if ids and kind not in self._noted:
            self._noted.add(kind)
            log.warning(
                "the account sees no %s %s, which PYRUS_ETL_%sS names; correct the id, or give access to it",
                kind,
                ", ".join(map(str, ids[:10])),
                kind.upper(),
            )

    async def task(self, task_id: int) -> Fetched:
        fetched_at = datetime.now(UTC)
        try:
            outcome = await self._client.ask(Request("GET", f"/tasks/{task_id}", partial(_read_task, self._privacy)))
        except BodyTooLarge as error:
            raise TaskRefused(f"task {task_id}: {error}", stage="fetch") from error
        if not isinstance(outcome, Answer):
            if not _is_gone(outcome) and isinstance(outcome, Again | Refused):
                await self.profile()  # raises if the whole server is failing, not only this task
            raise without_payload(_task_refused(task_id, outcome), self._privacy)
        body, task, unreadable = outcome.value
        if task.id != task_id:
            raise TaskRefused(f"task {task_id}: the answer is task {task.id}", stage="decode", payload=body)
        if isinstance(task, ServedTask) and task.deleted:
            raise TaskRefused(f"Pyrus says that task {task_id} is deleted", stage="fetch", denied=True)
        sha256 = sha256_of(body, outcome.sha256, self._privacy)
        return Fetched(task, Body(body, sha256, fetched_at, API), outcome.date, unreadable)


def _may_search(settings: Settings) -> bool:
    """Whether the search of v3 may be tried: it lists every task, so it cannot leave out forms or lists."""
    return settings.hybrid == "auto" and settings.forms.is_everything and settings.lists.is_everything


def _is_gone(failure: Failure) -> bool:
    """Whether the API itself says that the account cannot see the task, or that it does not exist."""
    match failure:
        case Denied(api_error=api_error):
            return bool(api_error.code)
        case Refused(status=400, api_error=api_error):
            return api_error.code == UNKNOWN_TASK
    return False


def _task_refused(task_id: int, failure: Failure) -> TaskRefused:
    if _is_gone(failure):
        return TaskRefused(f"Pyrus refuses task {task_id}: {failure}", stage="fetch", denied=True)
    match failure:
        case Unreadable(body=body):
            return TaskRefused(f"task {task_id}: {failure}", stage="decode", payload=body)
        case Again(body=bytes(body)):
            return TaskRefused(f"task {task_id}: {failure}", stage="decode", payload=body, odd=True)
    return TaskRefused(f"task {task_id}: {failure}", stage="fetch", odd=True)


class _Organization(msgspec.Struct):
    organization_id: Id | None = None


class _Profile(msgspec.Struct):
    person_id: int
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    organization_id: Id | None = None
    organization: _Organization | None = None

    @property
    def own_organization(self) -> int | None:
        """None if it is missing, or 0: no organisation has that id."""
        return self.organization_id or (self.organization and self.organization.organization_id) or None


def _read_task(privacy: Privacy, body: bytes) -> tuple[bytes, Task, int]:
    """Reads a task; also returns the body as it can be stored, and the number of unreadable values."""
    stored = storable(body)
    kept = hidden(stored, privacy)
    task, unreadable = read_stored(kept)
    return kept, task, unreadable + damage(body, stored)
