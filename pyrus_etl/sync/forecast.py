"""A forecast of a run: what it would ask Pyrus for, how many requests, and how long they take at this quota."""

import logging
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from pyrus_etl.errors import BudgetSpent
from pyrus_etl.extract.apis import api_of
from pyrus_etl.extract.pages import Changed, Feed, Unfinished
from pyrus_etl.load.progress import backfills, feeds
from pyrus_etl.load.progress.cursors import read_cursor
from pyrus_etl.load.tasks import watched
from pyrus_etl.load.tasks.rejected import open_rejections
from pyrus_etl.model.stream import TASKS
from pyrus_etl.model.window import EVERYTHING, Window
from pyrus_etl.settings import Quota, Settings
from pyrus_etl.sync.flow import LIMITS
from pyrus_etl.sync.listing.survey import PARTS, OfFeed, Survey
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.plans.backfill import without_body
from pyrus_etl.sync.plans.incremental import changes
from pyrus_etl.sync.run import NO_LIMIT, Budget, prepared
from pyrus_etl.sync.session import watching
from pyrus_etl.sync.stop import Stop, stopped_after
from pyrus_etl.sync.tasks.ledger import Ledger

log = logging.getLogger(__name__)

CATCHING_UP = "catching up"
ORDER = ("login", "directory", "inbox", "search", "registers", "lists", "comparing", "bodies", CATCHING_UP)
"""The parts of a run, as a run carries them out."""
EVERY_RUN = ("login", "directory")
"""Parts that a run asks for again when it resumes another one."""


@dataclass(frozen=True)
class Forecast:
    """What a run would ask for.

    `plan`: backfill or incremental. `is_complete`: the lists could be read within the budget; if not, there is more to
    do. `tasks_listed`: a task counts once for each list that shows it; `tasks_unchanged`: those that are stored as they
    are listed; `tasks_to_fetch`: new, changed, without a body, or to be asked for again. `requests`: by part of the
    run, in its order. `seconds`: how long the quota makes them last if the run begins now. `runs`: how many runs with
    this budget it takes; None if no run would get as far as the tasks. `sent`: requests of the forecast itself.
    """

    kind: str
    plan: str
    account_id: int
    is_complete: bool
    tasks_listed: int
    tasks_unchanged: int
    tasks_to_fetch: int
    requests: dict[str, int]
    seconds: float
    runs: int | None
    quota: Quota
    sent: int
    feeds: Sequence[OfFeed]

    @property
    def total(self) -> int:
        """All requests."""
        return sum(self.requests.values())

    def as_json(self) -> dict[str, Any]:
        """Returns plain values; `requests` is the number of all, as in the result of a run."""
        return {
            "dry_run": True,
            "kind": self.kind,
            "plan": self.plan,
            "account_id": self.account_id,
            "is_complete": self.is_complete,
            "tasks_listed": self.tasks_listed,
            "tasks_unchanged": self.tasks_unchanged,
            "tasks_to_fetch": self.tasks_to_fetch,
            "requests": self.total,
            "requests_by_part": self.requests,
            "seconds": round(self.seconds, 1),
            "runs": self.runs,
            "requests_sent": self.sent,
            "feeds": [each._asdict() for each in self.feeds],
        }


async def forecast(
    kind: str, settings: Settings, period: Window | None = None, *, restart: bool = False, budget: Budget = NO_LIMIT
) -> Forecast:
    """Forecasts a backfill of the period, or without one a sync.

    It asks for what such a run asks for before it fetches tasks, with the same lists, and compares them with what is
    stored. It fetches no task, takes no lock, keeps to the quota and to the budget, and writes only its share in the
    quota. Raises PyrusEtlError as a run does.
    """
    client, stop = api_of(settings).client(settings, budget.requests), Stop()
    async with watching(settings, client) as session:
        run = await prepared(session, Ledger(), stop, settings, LIMITS)
        cursor = None if period else await session.store.query(read_cursor, session.account_id, TASKS)
        survey = Survey(run)
        survey.account("login")
        if cursor:
            asked = _incremental(run, survey, cursor)
        else:
            asked = _backfill(run, survey, period or EVERYTHING, restart=restart)
        with stopped_after(budget.seconds, stop):
            is_complete = await _unless_spent(stop.unless_asked(asked))
        plan = "incremental" if cursor else "backfill"
        return _forecast(run, survey, budget, kind=kind, plan=plan, is_complete=is_complete)


async def _unless_spent(asked: Coroutine[Any, Any, None]) -> bool:
    """Whether a survey came to its end within the budget."""
    try:
        await asked
    except BudgetSpent:
        log.warning("the budget does not suffice to read all lists, so the forecast is too low")
        return False
    return True


async def _incremental(run: Run, survey: Survey, cursor: datetime) -> None:
    """Asks for what `catch_up` would ask for."""
    await survey.ask_directory()
    await survey.ask_inbox("inbox")
    await survey.ask_tasks(await changes(run, cursor))
    await _want_stored(run, survey)
    if run.session.source.has_feeds and not run.is_selected:
        survey.wanted.update(await run.session.store.query(watched.due, run.session.account_id))


async def _backfill(run: Run, survey: Survey, period: Window, *, restart: bool) -> None:
    """Asks for what `fetch_period` would ask for, and then `catch_up`."""
    store, account_id = run.session.store, run.session.account_id
    begun = None if restart else await store.query(backfills.unfinished, account_id, TASKS, period)
    await survey.ask_directory()
    if run.session.source.has_feeds:
        reached = await store.query(feeds.reached, account_id) if begun else {}
        await _first_rows(run, survey, period, {Feed(*key): task_id for key, task_id in reached.items()})
    else:
        left = await store.query(backfills.pending_windows, account_id, TASKS) if begun else []
        windows = [Window(*each[1:]) for each in left] if begun else [period]
        await survey.ask_tasks(Unfinished(windows, whole=period == EVERYTHING))
    await _want_stored(run, survey)
    await survey.ask_inbox(CATCHING_UP)
    survey.requests[CATCHING_UP] += 1 + len(survey.feeds)  # the search, and each feed


async def _first_rows(run: Run, survey: Survey, period: Window, reached: Mapping[Feed, int | None]) -> None:
    """Lists the tasks of all feeds. A run does it twice if bodies are stored: for the first rows, then to compare."""
    survey.reached = reached
    await survey.ask_tasks(Changed(period, may_search=False))
    listed = Counter({part: survey.requests[part] for part in PARTS.values()})
    survey.requests -= survey.skipped
    survey.requests["registers"] += survey.opened
    survey.requests[CATCHING_UP] += survey.asked_twice
    if await run.session.store.query(feeds.has_bodies) or not run.forms.is_everything:
        survey.requests["comparing"] = listed.total()
    async for stored in without_body(run):
        survey.wanted.update(task.id for task in stored.tasks)


async def _want_stored(run: Run, survey: Survey) -> None:
    """Adds the tasks that a run fetches whatever the lists show: those set aside, and those with a doubted body."""
    survey.wanted.update(await run.session.store.query(open_rejections, run.session.account_id))
    survey.wanted.update(task.id for task in run.ledger.doubted())


def _forecast(run: Run, survey: Survey, budget: Budget, *, kind: str, plan: str, is_complete: bool) -> Forecast:
    requests = {**dict.fromkeys(ORDER, 0), **survey.requests, "bodies": len(survey.wanted)}
    requests = {part: number for part, number in requests.items() if number}
    pace, source = run.session.pace, run.session.source
    seconds = pace.seconds_for(sum(requests.values()))
    return Forecast(
        kind=kind,
        plan=plan,
        account_id=run.session.account_id,
        is_complete=is_complete,
        tasks_listed=survey.listed,
        tasks_unchanged=survey.unchanged,
        tasks_to_fetch=len(survey.wanted),
        requests=requests,
        seconds=seconds,
        runs=_runs(requests, seconds, budget),
        quota=pace.quota,
        sent=source.requests,
        feeds=survey.by_feed(),
    )


def _runs(requests: Mapping[str, int], seconds: float, budget: Budget) -> int | None:
    """How many runs it takes within a budget; None if none would get as far as the tasks. Time is that of the quota."""
    again = sum(requests.get(part, 0) for part in EVERY_RUN)
    left = sum(requests.values()) - again
    if budget.requests is not None and budget.requests <= again:
        return None
    by_requests = 1 if budget.requests is None else ceil(left / (budget.requests - again))
    by_time = 1 if budget.seconds is None else ceil(seconds / budget.seconds)
    return max(1, by_requests, by_time)
