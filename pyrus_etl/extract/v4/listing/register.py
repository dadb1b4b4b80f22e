"""Registers: the tasks of a form with their values, from id to id. https://pyrus.com/en/help/api/registry."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from pyrus_etl.client.decode import damage, storable
from pyrus_etl.client.request import Request
from pyrus_etl.errors import FeedRefused, PyrusUnreachable
from pyrus_etl.extract.privacy import hidden
from pyrus_etl.extract.sizes import Sizes, answered_list
from pyrus_etl.extract.v4.listing.asking import Lister
from pyrus_etl.extract.v4.listing.ends import Ends
from pyrus_etl.extract.v4.listing.opened import Opened
from pyrus_etl.extract.v4.listing.together import together
from pyrus_etl.extract.v4.wire.moments import moment
from pyrus_etl.extract.v4.wire.read import Listed, read_register
from pyrus_etl.model.definition import Form
from pyrus_etl.model.window import Window
from pyrus_etl.settings.privacy import Privacy

MOST_ROWS, FEWER_ROWS, GROWTH = 5000, 1000, 4
"""Rows asked for in one page; fewer if something in them is hidden, which takes ten times their memory."""
SHORT = 10
AT_A_TIME = 4
ARCHIVED = {"include_archived": "y"}


class Wanted(NamedTuple):
    """A register to read: the rows after a task id that meet the criteria.

    `opened`: criteria of which tasks are open; None if nobody asks.
    """

    form: Form
    criteria: Mapping[str, Any]
    after: int = 0
    opened: Mapping[str, Any] | None = None

    @property
    def is_of_a_period(self) -> bool:
        """Whether only tasks that changed in a period are wanted."""
        return any(name in self.criteria for name in ("modified_after", "modified_before"))


class Part(NamedTuple):
    """A page of a register. `last_id`: of the last task in it. `is_complete`: no other page follows.

    `opened`: the tasks in it that are open, and perhaps later ones; empty if nobody asked. `refusal`: why the account
    may not read the register; such a part has no rows.
    """

    form: Form
    rows: Listed | None
    last_id: int
    is_complete: bool
    opened: AbstractSet[int] = frozenset()
    refusal: str | None = None


class _Open(NamedTuple):
    """A register that was read to a page of `rows` rows, which may be its last one; `wanted` is what may follow.

    `is_sorted`: the rows were sorted by id, so that all others come after them.
    """

    wanted: Wanted
    rows: int
    is_sorted: bool


class Registers:
    """The registers of a run. What is learned from one about the length of pages holds for all."""

    def __init__(self, lister: Lister, privacy: Privacy) -> None:
        self._lister = lister
        self._privacy = privacy
        self._sizes = Sizes(FEWER_ROWS if privacy.is_needed else MOST_ROWS, GROWTH)
        self._ends = Ends()

    async def read(self, wanted: Iterable[Wanted]) -> AsyncIterator[Part]:
        """Reads registers page by page, some side by side.

        Whether a page as long as the longest one is the last of its register is settled at the end, when the longest
        one is known: so it costs few requests.
        """
        unsettled: list[_Open] = []
        async for part in together((self._read(each, unsettled) for each in wanted), AT_A_TIME):
            yield part
        await self._look_for_longer(unsettled)
        while unsettled:
            before, unsettled = unsettled, []
            async for part in together((self._settle(each, unsettled) for each in before), AT_A_TIME):
                yield part

    async def sample(self, form: Form, most: int = SHORT) -> int:
        """How many tasks a short page of the register has. Raises FeedRefused."""
        wanted = Wanted(form, {**ARCHIVED, **one_field(form)})
        return len((await self._lister.list(self._request(wanted, most), 1, self._sizes)).headers)

    async def _look_for_longer(self, unsettled: Sequence[_Open]) -> None:
        """If several pages of changes are as long as the longest, asks one form for one task more, changed or not.

        If it has that one more, all these pages are the last ones, for one request in place of one for each. The
        oldest of the last tasks is probably in the largest form.
        """
        longest = [each for each in unsettled if each.rows == self._ends.longest and each.wanted.is_of_a_period]
        if len(longest) < 2:
            return
        form = min(longest, key=lambda each: each.wanted.after).wanted.form
        with suppress(FeedRefused):
            self._ends.note(await self.sample(form, self._ends.longest + 1))

    async def _settle(self, before: _Open, unsettled: list[_Open]) -> AsyncIterator[Part]:
        if self._ends.is_last(before.rows, self._sizes.most):
            yield Part(before.wanted.form, None, before.wanted.after, is_complete=True)
            return
        if not before.is_sorted:
            raise _unsorted(before.wanted.form)
        async for part in self._read(before.wanted, unsettled):
            yield part

    async def _read(self, wanted: Wanted, unsettled: list[_Open]) -> AsyncIterator[Part]:
        """Reads a register until nobody can tell whether it ends."""
        opened = Opened(wanted.after)
        while True:
            try:
                asked, listed = await self._page(wanted)
                await self._read_open(wanted, listed, opened)
            except FeedRefused as error:
                yield Part(wanted.form, None, wanted.after, is_complete=False, refusal=str(error))
                return
            ids = [header.id for header in listed.headers]
            last_id = max([wanted.after, *ids])
            self._ends.note(len(ids))
            is_last = True if last_id == wanted.after else self._ends.is_last(len(ids), asked)
            is_sorted = ids == sorted(ids) and min(ids, default=last_id) >= wanted.after
            if is_last is False and not is_sorted:
                raise _unsorted(wanted.form)
            yield Part(wanted.form, listed, last_id, is_last is True, opened.ids)
            del listed  # its bytes would stay while the next page arrives
            wanted = wanted._replace(after=last_id)
            if is_last is None:
                unsettled.append(_Open(wanted, len(ids), is_sorted))
            if is_last is not False:
                return

    async def _read_open(self, wanted: Wanted, listed: Listed, opened: Opened) -> None:
        """Reads which tasks of a page are open, if somebody asks.

        The server can list as many open tasks at once as the page has rows: if it lists fewer, there are no others.
        """
        opened.begin_page(wanted.after)
        ids = [header.id for header in listed.headers]
        while wanted.opened is not None and ids and not opened.reaches(max(ids)):
            _, found = await self._page(Wanted(wanted.form, wanted.opened, opened.known_to))
            open_ids = [header.id for header in found.headers]
            is_complete = len(open_ids) < len(ids)
            if not is_complete and open_ids != sorted(open_ids):
                raise _unsorted(wanted.form)
            opened.note(open_ids, is_complete=is_complete)

    async def _page(self, wanted: Wanted) -> tuple[int, Listed]:
        """The next page, and how many rows were asked for."""
        asked = 0

        async def ask(most: int) -> Listed:
            nonlocal asked
            asked = most
            return await self._lister.list(self._request(wanted, most), most, self._sizes)

        listed = await answered_list(ask, self._sizes)
        return asked, listed

    def _request(self, wanted: Wanted, most: int) -> Request[tuple[Listed, int]]:
        after = {"id": f"gt{wanted.after}"} if wanted.after else {}
        body = {**wanted.criteria, "sort": "id", "item_count": most, **after}
        return Request("POST", f"/forms/{wanted.form.id}/register", partial(self._rows, wanted.form.id), body)

    def _rows(self, form_id: int, body: bytes) -> tuple[Listed, int]:
        stored = storable(body)
        listed, unreadable = read_register(hidden(stored, self._privacy, form_id))
        return listed, unreadable + damage(body, stored)


def one_field(form: Form) -> dict[str, Any]:
    """Asks for one field alone, because a register cannot leave out all; a form without fields has none to ask for."""
    return {"field_ids": [field.id for field in form.fields[:1]]} if form.fields else {}


def changed_in(period: Window) -> dict[str, str]:
    """Asks for what last changed in a period. A second more at each end: whether the ends count is not documented."""
    after = {} if period.start is None else {"modified_after": moment(period.start - 1)}
    before = {} if period.end is None else {"modified_before": moment(period.end + 1)}
    return after | before


def _unsorted(form: Form) -> PyrusUnreachable:
    return PyrusUnreachable(
        f"Pyrus does not sort the register of form {form.id} by task id, so it cannot be read to the end; "
        "update that server."
    )
