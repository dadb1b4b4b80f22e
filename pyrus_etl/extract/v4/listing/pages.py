"""The tasks of an account as pages: from the registers of its forms, and from its lists."""

import logging
from collections.abc import AsyncIterator, Container, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple

import msgspec

from pyrus_etl.errors import FeedRefused, ListOverfull
from pyrus_etl.extract.pages import Changed, Feed, FirstRows, Page, Question, Reached
from pyrus_etl.extract.v4.listing.lists import Lists
from pyrus_etl.extract.v4.listing.register import ARCHIVED, AT_A_TIME, Part, Registers, Wanted, changed_in, one_field
from pyrus_etl.extract.v4.listing.spans import Span
from pyrus_etl.extract.v4.listing.together import together
from pyrus_etl.extract.v4.wire.read import Listed, in_form
from pyrus_etl.model.definition import Form
from pyrus_etl.model.project import List
from pyrus_etl.model.task import Task
from pyrus_etl.model.window import EVERYTHING, Window

log = logging.getLogger(__name__)


class Feeds(NamedTuple):
    """The forms and lists that show tasks, as the run has selected them."""

    forms: Sequence[Form]
    lists: Sequence[List]

    def among(self, feeds: Container[Feed]) -> "Feeds":
        """Those of the forms and lists that are among the feeds."""
        return Feeds(
            [form for form in self.forms if Feed("form", form.id) in feeds],
            [each for each in self.lists if Feed("list", each.id) in feeds],
        )


NO_FEEDS = Feeds((), ())


class TaskPages:
    """Answers the questions about tasks."""

    def __init__(self, registers: Registers, lists: Lists) -> None:
        self._registers = registers
        self._lists = lists

    async def of(self, feeds: Feeds, question: Question, now: datetime) -> AsyncIterator[Page]:
        """See `Source.pages`; `now` is the server's time. Raises ListOverfull at the end if a list is not complete."""
        if isinstance(question, FirstRows):
            pages = self._first_rows(feeds, question, now)
        else:
            pages = self._headers(feeds, question if isinstance(question, Changed) else Changed(EVERYTHING))
        async for page in pages:
            yield page
        if self._lists.overfull:
            raise ListOverfull(self._lists.overfull[0].sentence)

    async def _headers(self, feeds: Feeds, question: Changed) -> AsyncIterator[Page]:
        """The headers of tasks. Registers are asked for one field only, to save bytes."""
        wanted = [
            Wanted(form, {**ARCHIVED, **one_field(form), **changed_in(question.of(Feed("form", form.id)))})
            for form in feeds.forms
        ]
        async for part in self._registers.read(wanted):
            feed = Feed("form", part.form.id)
            reached = None if part.refusal else Reached(feed, None if part.is_complete else part.last_id)
            is_answer = part.rows is not None or part.refusal is not None
            yield Page(part.rows.headers if part.rows else (), None, reached, _refused(part), feed, is_answer)
        async for listed in self._listed(feeds.lists, question):
            reached = Reached(listed.feed, None) if listed.is_complete else None
            is_answer = listed.rows is not None or listed.refused is not None
            yield Page(
                listed.rows.headers if listed.rows else (), None, reached, listed.refused, listed.feed, is_answer
            )

    async def _first_rows(self, feeds: Feeds, question: FirstRows, now: datetime) -> AsyncIterator[Page]:
        """Partial tasks. A row of a register does not say whether the task is open: that is a request of its own."""
        left = [form for form in feeds.forms if question.reached.get(Feed("form", form.id), 0) is not None]
        async for part in self._registers.read([_first_rows_of(form, question) for form in left]):
            yield _page_of_rows(part, now)
        rest = [each for each in feeds.lists if question.reached.get(Feed("list", each.id), 0) is not None]
        async for listed in self._listed(rest, Changed(question.period)):
            reached = Reached(listed.feed, None) if listed.is_complete else None
            yield Page(_tasks_of_list(listed.rows), reached=reached, refused=listed.refused)

    def _listed(self, lists: Sequence[List], question: Changed) -> AsyncIterator["_OfList"]:
        periods = {each.id: question.of(Feed("list", each.id)) for each in lists}
        return together((self._list(list_id, period) for list_id, period in periods.items()), AT_A_TIME)

    async def _list(self, list_id: int, period: Window) -> AsyncIterator["_OfList"]:
        feed = Feed("list", list_id)
        try:
            async for rows in self._lists.read(list_id, Span(period)):
                yield _OfList(feed, rows)
        except FeedRefused as error:
            log.warning(
                "Pyrus refuses the tasks of list %d to this account, so the list is left out: %s", list_id, error
            )
            yield _OfList(feed, None, refused=feed)
            return
        yield _OfList(feed, None, is_complete=self._lists.is_complete(list_id))


class _OfList(NamedTuple):
    """A part of a list; the last part has no rows."""

    feed: Feed
    rows: Listed | None
    is_complete: bool = False
    refused: Feed | None = None


def _refused(part: Part) -> Feed | None:
    if part.refusal is None:
        return None
    log.warning(
        "Pyrus refuses the register of form %d (%s) to this account: %s; make the account a manager of the form, "
        "or leave the form out by --forms",
        part.form.id,
        part.form.name,
        part.refusal,
    )
    return Feed("form", part.form.id)


def _first_rows_of(form: Form, question: FirstRows) -> Wanted:
    within, after = changed_in(question.period), question.reached.get(Feed("form", form.id)) or 0
    return Wanted(form, {**ARCHIVED, **within}, after, opened={**one_field(form), **within})


def _page_of_rows(part: Part, now: datetime) -> Page:
    """Rows of a register as partial tasks; the register was asked for after the time `now`."""
    if part.refusal:
        return Page((), refused=_refused(part))
    feed = Feed("form", part.form.id)
    tasks = _tasks_of_form(part.form.id, part.rows, part.opened, now) if part.rows else ()
    return Page(tasks, reached=Reached(feed, None if part.is_complete else part.last_id))


def _tasks_of_form(form_id: int, rows: Listed, opened: AbstractSet[int], now: datetime) -> Iterator[Task]:
    """A task that was created during the run counts as open: the open ones may have been listed before."""
    for task in rows.tasks():
        is_open = task.id in opened
        is_newer = isinstance(task.create_date, datetime) and task.create_date >= now
        yield in_form(task, form_id, is_closed=not (is_open or is_newer))


def _tasks_of_list(rows: Listed | None) -> Iterator[Task]:
    for task in rows.tasks() if rows else ():
        yield msgspec.structs.replace(task, is_closed=bool(task.close_date))
