"""What tasks refer to: forms, lists, catalogs and people. A run asks for each of them once.

https://pyrus.com/en/help/api describes the answers, with a page for each: forms, lists, catalogs, contacts, members,
roles. Properties beyond those pages, and parameters, are those of the vendor's own clients.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence, Set
from functools import partial
from typing import Any, Protocol, TypeVar

from pyrus_etl.client.decode import damage, decode, storable
from pyrus_etl.client.meaning import Again, Denied, Failure
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import BodyTooLarge
from pyrus_etl.extract.pages import Page, Question, Whole
from pyrus_etl.extract.privacy import hidden
from pyrus_etl.extract.v4.definitions import forms_of, no_custom_types
from pyrus_etl.extract.v4.listing.asking import unreachable
from pyrus_etl.extract.v4.trees import catalog_of, contents_of, lists_of
from pyrus_etl.extract.v4.wire import directory as wire
from pyrus_etl.given import UNSET
from pyrus_etl.model.catalog import Catalog, CatalogRead
from pyrus_etl.model.definition import Form
from pyrus_etl.model.listing import Listing
from pyrus_etl.model.person import People
from pyrus_etl.model.project import List
from pyrus_etl.model.stream import CATALOGS, FORMS, LISTS, PEOPLE, ROLES
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
        self._damaged = set[str]()
        self._with_deleted = "?include_deleted=true"

    async def forms(self) -> Sequence[Form] | None:
        """The forms that the account can see, with their fields; asked for once in a run."""
        return await self._kept(FORMS, self._read_forms)

    async def lists(self) -> Sequence[List] | None:
        """The lists at any depth, parents first, also deleted ones; asked for once in a run."""
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
        is_whole = stream not in self._damaged
        yield Page([everything if stream == PEOPLE else Listing(everything, is_whole)])
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
        served = await self._whole(FORMS, "", wire.Forms, is_needed=True)
        if served is None:
            return None
        found, unreadable = forms_of(served.forms)
        self._note(FORMS, unreadable)
        return _first_of_each(found)

    async def _read_lists(self, forms: Set[int]) -> Sequence[List] | None:
        served = await self._whole(LISTS, "?with_deleted=true", wire.Lists, is_needed=True)
        return None if served is None else lists_of(served.lists, forms)

    async def catalogs(self) -> Sequence[Catalog] | None:
        """The catalogs that the account can see, without their contents."""
        served = await self._whole(CATALOGS, "", wire.Catalogs)
        return None if served is None else _first_of_each([catalog_of(each) for each in served.catalogs or () if each])

    async def _people(self) -> People | None:
        contacts = await self._whole("contacts", "?include_inactive=true", wire.Contacts)
        members = await self._whole("members", "?include_fired=true", wire.Members)
        roles = await self._whole(ROLES, "?include_fired=true", wire.Roles)
        if contacts is None and members is None and roles is None:
            return None
        return People(
            contacts=wire.Contacts() if contacts is None else contacts,
            members=UNSET if members is None else [each for each in members.members or () if each],
            roles=UNSET if roles is None else [each for each in roles.roles or () if each],
            is_whole=ROLES not in self._damaged,
        )

    async def _read(self, catalog: Catalog) -> CatalogRead:
        """The contents of a catalog. If it cannot be read, warns, and returns it without contents."""
        outcome = await self._ask_for_contents(f"/catalogs/{catalog.id}")
        if isinstance(outcome, Answer):
            served, unreadable = outcome.value
            self._note(f"{CATALOGS}/{catalog.id}", unreadable)
            return CatalogRead(catalog, contents_of(served, is_whole=not unreadable))
        what = f"catalog {catalog.id} ({catalog.name})"
        log.warning("%s cannot be read, so its items stay as they are stored: %s", what, outcome)
        return CatalogRead(catalog, None)

    async def _ask_for_contents(self, path: str) -> Answer[tuple[wire.Catalog, int]] | Failure | BodyTooLarge:
        """Asks for a catalog with its deleted items; if only administrators may see these, without them."""
        read, asked_with = reader(wire.Catalog), self._with_deleted
        try:
            outcome = await self._ask(Request("GET", path + asked_with, read))
            if asked_with and not isinstance(outcome, Answer | Again):
                outcome = await self._ask(Request("GET", path, read))
                self._with_deleted = "" if isinstance(outcome, Answer) else asked_with
        except BodyTooLarge as error:
            return error
        return outcome

    async def _whole(self, name: str, parameters: str, kind: type[T], *, is_needed: bool = False) -> T | None:
        """The answer; None, with a warning, if Pyrus refuses it to this account."""
        request = Request("GET", f"/{name}{parameters}", reader(kind, self._privacy))
        outcome: Answer[tuple[T, int]] | Failure = await self._ask(request)
        if isinstance(outcome, Answer):
            whole: T = outcome.value[0]
            self._note(name, outcome.value[1])
            return whole
        if is_needed and not isinstance(outcome, Denied):
            raise unreachable(request, outcome)
        log.warning("no answer to GET /%s, so its tables stay as they are stored: %s", name, outcome)
        return None

    def _note(self, name: str, unreadable: int) -> None:
        """Remembers that an answer has unreadable values: nothing is gone only because they hide it."""
        if unreadable:
            self._damaged.add(name)
            log.warning("GET /%s: %d values could not be read", name, unreadable)


def _moved(catalogs: Sequence[Catalog], question: Question) -> list[Catalog]:
    """The catalogs whose contents are to be read: those without a version, or with another one than is known."""
    wanted = question if isinstance(question, Whole) else Whole()
    return [each for each in catalogs if wanted.has_moved(each.id, each.version)]


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
        value, unreadable = decode(hidden(stored, privacy), kind, no_custom_types)
        return value, unreadable + damage(body, stored)

    return read
