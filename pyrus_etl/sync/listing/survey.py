"""A survey of what a run would ask for: the same lists, compared with what is stored. It writes nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from pyrus_etl.extract.pages import Census, Feed, Page, Question, Whole
from pyrus_etl.load.directory import snapshots
from pyrus_etl.load.sharing.sightings import compare
from pyrus_etl.model.stream import CATALOGS, FORMS, INBOX, LISTS, TASKS
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.tasks.task import in_parts

KINDS = {FORMS: "form", LISTS: "list"}
"""Stream of the directory → kind of the feeds that it names."""
PARTS = {"form": "registers", "list": "lists"}
"""Kind of a feed → name of the requests for it."""


class OfFeed(NamedTuple):
    """A register or a list: how many tasks it lists and a run would fetch; None if Pyrus refuses it."""

    kind: str
    id: int
    name: str | None
    tasks: int | None
    to_fetch: int | None


class Survey:
    """What a run would ask for, as far as it has been surveyed.

    `requests`: by part of the run. `listed`, `unchanged`: how many tasks the lists show, as a run counts them. `feeds`:
    those that were asked; `tasks`, `to_fetch`: what they show. `wanted`: the ids of all tasks to fetch. `skipped`,
    `opened`: requests by part that a backfill does not send, because it has `reached` later tasks, and requests that it
    adds to learn which tasks are open. `asked_twice`: requests for catalogs and people, which a backfill by feeds reads
    at its start and at its end.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._mark = 0
        self.reached: Mapping[Feed, int | None] = {}
        self.requests = Counter[str]()
        self.skipped = Counter[str]()
        self.opened = 0
        self.asked_twice = 0
        self.listed = 0
        self.unchanged = 0
        self.feeds: dict[Feed, None] = {}
        self.tasks = Counter[Feed]()
        self.to_fetch = Counter[Feed]()
        self.names: dict[Feed, str | None] = {}
        self.refused = set[Feed]()
        self.wanted = set[int]()

    def account(self, part: str) -> int:
        """Counts the requests sent since the last call, without repeated ones, as this part of the run."""
        source = self._run.session.source
        sent = source.requests - source.retries - self._mark
        self.requests[part] += sent
        self._mark += sent
        return sent

    def by_feed(self) -> list[OfFeed]:
        """The feeds that were asked, in the order of the directory."""
        return [self._of(feed) for feed in self.names if feed in self.feeds]

    def _of(self, feed: Feed) -> OfFeed:
        is_refused = feed in self.refused
        found = (None, None) if is_refused else (self.tasks[feed], self.to_fetch[feed])
        return OfFeed(*feed, self.names[feed], *found)

    async def ask_directory(self) -> None:
        """Asks for what tasks refer to; for catalogs it only counts the requests for their contents."""
        session = self._run.session
        for stream in session.source.directory:
            known = await session.store.query(snapshots.known_versions, session.account_id)
            whole = Whole(known if stream == CATALOGS else {})
            page = await anext(session.source.pages(stream, whole), None)
            sent = self.account("directory")
            self.asked_twice += 0 if stream in KINDS else sent
            if page and stream in KINDS:
                self._note_names(stream, page)
            elif page and stream == CATALOGS:
                self.requests["directory"] += _moved(page, whole)

    async def ask_inbox(self, part: str) -> None:
        async for page in self._run.session.source.pages(INBOX, Census()):
            if not self._run.is_selected:
                await self._note(page)
        self.account(part)

    async def ask_tasks(self, question: Question) -> None:
        """Lists the tasks as the run would."""
        source, is_first = self._run.session.source, True
        async for page in source.pages(TASKS, question):
            if is_first and source.search_works is False:
                self.requests["search"] += 1
                self._mark += 1
            is_first = False
            self.account(PARTS[page.feed.kind] if page.feed else "search")
            await self._note(page)
            if page.refused:
                self.refused.add(page.refused)
        self.account("search")

    async def _note(self, page: Page) -> None:
        highest = 0
        for part in in_parts(page.items):
            highest = max(highest, *(task.id for task in part.tasks))
            await self._compare(part.tasks, page.feed)
        if page.feed and page.is_answer:
            self.feeds[page.feed] = None
            self._note_first_rows(page.feed, highest)

    def _note_first_rows(self, feed: Feed, highest: int) -> None:
        """Notes whether a backfill asks for this page of a feed, and whether it then asks which tasks are open."""
        begun = self.reached.get(feed, 0)
        if begun is None or 0 < highest <= begun:
            self.skipped[PARTS[feed.kind]] += 1
        elif highest and feed.kind == "form":
            self.opened += 1

    async def _compare(self, tasks: Sequence[TaskHeader], feed: Feed | None) -> None:
        run, listed = self._run, {task.id: (task.id, task.modified_date, task.last_note_id) for task in tasks}
        session = run.session
        lags = session.source.has_feeds
        found = await session.store.query(partial(compare, lags=lags), session.account_id, list(listed.values()))
        unchanged = run.ledger.trusted(found.unchanged)
        changed = listed.keys() - unchanged - run.ledger.trusted(found.left)
        self.listed += len(tasks)
        self.unchanged += len(unchanged)
        self.wanted |= changed
        if feed:
            self.tasks[feed] += len(listed)
            self.to_fetch[feed] += len(changed)

    def _note_names(self, stream: str, page: Page) -> None:
        (listing,) = page.items
        self.names |= {Feed(KINDS[stream], each.id): each.name for each in listing.things}


def _moved(page: Page, whole: Whole) -> int:
    (listing,) = page.items
    return sum(whole.has_moved(each.id, each.version) for each in listing.things)
