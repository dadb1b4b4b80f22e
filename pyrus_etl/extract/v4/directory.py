"""What tasks refer to: forms, lists, catalogs and people. A run asks for each of them once.

https://pyrus.com/en/help/api describes the answers, with a page for each: forms, lists, catalogs, contacts, members,
roles. Properties beyond those pages, and parameters, are those of the vendor's own clients.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from functools import partial
from typing import Any, Protocol, TypeVar

from pyrus_etl.client.decode import damage, decode, storable
from pyrus_etl.client.meaning import Again, Denied, Failure
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.extract.pages import Page, Question, Whole
from pyrus_etl.extract.privacy import hidden
from pyrus_etl.extract.v4 import directory_wire as wire
from pyrus_etl.extract.v4.asking import unreachable
from pyrus_etl.extract.v4.definitions import form_of
from pyrus_etl.extract.v4.trees import catalog_of, contents_of, lists_of
from pyrus_etl.given import UNSET
from pyrus_etl.model.catalog import Catalog, CatalogRead
from pyrus_etl.model.definition import Form
from pyrus_etl.model.person import People
from pyrus_etl.model.project import List
from pyrus_etl.model.stream import CATALOGS, FORMS, LISTS, PEOPLE
from pyrus_etl.settings.privacy import OPEN, Privacy

log = logging.getLogger(__name__)
T = TypeVar("T")


class Ask(Protocol):
    """Sends a request to API v4 as `Client.ask` does. Its path begins at `api_url`: `/forms`."""

    async def __call__(self, request: Request[T]) -> Answer[T] | Failure: ...


class Directory:
    """The directory of an account, for one run. What Pyrus refuses to the account is None, with a warning.

    A run cannot go on without an answer about forms and lists, because they say where tasks are listed: if there is
    none, they raise PyrusUnreachable. Anything else that has no answer is None too.
    """

    def __init__(self, ask: Ask, privacy: Privacy = OPEN) -> None:
        self._ask = ask
        self._privacy = privacy
        self._once = asyncio.Lock()
        self._answered: dict[str, Any] = {}
        self._listed = set[str]()
        self._with_deleted = "?include_deleted=true"

    async def forms(self) -> Sequence[Form] | None:
        """The forms that the account can see, with their fields; asked for once, whoever asks first."""
        return await self._kept(FORMS, self._read_forms)

    async def lists(self) -> Sequence[List] | None:
        """The lists at any depth, parents first, also deleted ones; asked for once, whoever asks first."""
        forms = await self.forms()
        return await self._kept(LISTS, partial(self._read_lists, {form.id for form in forms or ()}))

    async def pages(self, stream: str, question: Question) -> AsyncIterator[Page]:
        """The pages of a directory stream: one with everything, unless Pyrus refuses it; then contents.

        Forms and lists are listed once in a run: later, what is kept of them may be older than what is stored.
        """
        if stream in self._answered and stream in self._listed:
            return
        self._listed.add(stream)
        readers = {FORMS: self.forms, LISTS: self.lists, CATALOGS: self.catalogs, PEOPLE: self._people}
        everything: Any = await readers[stream]()
        if everything is None:
            return
        yield Page([everything])
        if stream == CATALOGS:
            for catalog in _moved(everything, question):
                yield Page([await self._read(catalog)])

    async def _kept(self, stream: str, read: Callable[[], Awaitable[T]]) -> T:
        async with self._once:
            if stream not in self._answered:
                self._answered[stream] = await read()
            kept: T = self._answered[stream]
            return kept

    async def _read_forms(self) -> Sequence[Form] | None:
        served = await self._whole("/forms", wire.Forms, is_needed=True)
        return None if served is None else _first_of_each([form_of(each) for each in served.forms or () if each])

    async def _read_lists(self, forms: Set[int]) -> Sequence[List] | None:
        served = await self._whole("/lists?with_deleted=true", wire.Lists, is_needed=True)
        return None if served is None else lists_of(served.lists, forms)

    async def catalogs(self) -> Sequence[Catalog] | None:
        """The catalogs that the account can see, without their contents."""
        served = await self._whole("/catalogs", wire.Catalogs)
        return None if served is None else _first_of_each([catalog_of(each) for each in served.catalogs or () if each])

    async def _people(self) -> People | None:
        contacts = await self._whole("/contacts?include_inactive=true", wire.Contacts)
        members = await self._whole("/members?include_fired=true", wire.Members)
        roles = await self._whole("/roles?include_fired=true", wire.Roles)
        if contacts is None and members is None and roles is None:
            return None
        return People(
            contacts=wire.Contacts() if contacts is None else contacts,
            members=UNSET if members is None else [each for each in members.members or () if each],
            roles=UNSET if roles is None else [each for each in roles.roles or () if each],
        )

    async def _read(self, catalog: Catalog) -> CatalogRead:
        """The contents of a catalog. If it cannot be read, warns, and returns it without contents."""
        path, read = f"/catalogs/{catalog.id}", reader(wire.Catalog)
        asked_with = self._with_deleted
        outcome = await self._ask(Request("GET", path + asked_with, read))
        if asked_with and not isinstance(outcome, Answer | Again):  # only administrators may ask for deleted items
            outcome = await self._ask(Request("GET", path, read))
            self._with_deleted = "" if isinstance(outcome, Answer) else self._with_deleted
        if isinstance(outcome, Answer):
            return CatalogRead(catalog, contents_of(_counted(path, outcome.value)))
        log.warning(
            "catalog %s (%s) cannot be read, so its items stay as they are stored: %s",
            catalog.id,
            catalog.name,
            outcome,
        )
        return CatalogRead(catalog, None)

    async def _whole(self, path: str, kind: type[T], *, is_needed: bool = False) -> T | None:
        """The answer; None, with a warning, if Pyrus refuses it to this account."""
        request = Request("GET", path, reader(kind, self._privacy))
        outcome: Answer[tuple[T, int]] | Failure = await self._ask(request)
        name = path.partition("?")[0]
        if isinstance(outcome, Answer):
            whole: T = _counted(name, outcome.value)
            return whole
        if is_needed and not isinstance(outcome, Denied):
            raise unreachable(request, outcome)
        log.warning("no answer to GET %s, so its tables stay as they are stored: %s", name, outcome)
        return None


def _moved(catalogs: Sequence[Catalog], question: Question) -> list[Catalog]:
    """The catalogs whose contents are to be read: those without a version, or with another one than is known."""
    known: Mapping[int, int] = question.versions if isinstance(question, Whole) else {}
    return [each for each in catalogs if each.version is None or known.get(each.id) != each.version]


def _first_of_each(served: Sequence[T | None]) -> list[T]:
    """The things that have an id; only the first one of an id counts."""
    first: dict[int, Any] = {}
    for each in served:
        if each is not None:
            first.setdefault(each.id, each)  # type: ignore[attr-defined] # a thing of the directory has an id
    return list(first.values())


def reader(kind: type[T], privacy: Privacy = OPEN) -> Callable[[bytes], tuple[T, int]]:
    """Reads a body as this struct; also returns the number of unreadable values."""

    def read(body: bytes) -> tuple[T, int]:
        stored = storable(body)
        value, unreadable = decode(hidden(stored, privacy), kind, _no_custom_types)
        return value, unreadable + damage(body, stored)

    return read


def _no_custom_types(kind: type, value: Any) -> Any:
    raise NotImplementedError(f"{kind.__name__} is no type of the directory")


def _counted(path: str, content: tuple[T, int]) -> T:
    value, unreadable = content
    if unreadable:
        log.warning("GET %s: %d values could not be read", path, unreadable)
    return value
