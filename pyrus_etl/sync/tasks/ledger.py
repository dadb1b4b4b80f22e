"""The ledger: how far each task of a run has come. Only the ledger counts, and only it moves the progress.

It does no I/O, and it remembers only what the rest of the run needs: the tasks in flight, and those that were rejected,
doubted, or listed again in the meantime. So its memory does not grow with the work.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple, Protocol

from pyrus_etl.load.sharing.sightings import Compared
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.schema.counts import NONE, Counts
from pyrus_etl.sync.listing.feeds import FeedsRead
from pyrus_etl.sync.progress import Progress
from pyrus_etl.sync.tasks.lag import Lag
from pyrus_etl.sync.tasks.task import Arrival, Listed, Outcome, Wanted

Dates = Mapping[int, datetime | None]
"""Tasks by id, each with the date in the last list that had it."""


class Stage(Enum):
    """How far a task has come in this run. The ledger forgets most tasks when they are loaded."""

    OPEN = auto()
    """Rejected or doubted by an earlier run."""
    IN_FLIGHT = auto()
    LOADED = auto()
    REJECTED = auto()


class Record(NamedTuple):
    """How far a task has come.

    `known_date`: its date in the lists of earlier runs. `listed_date`: its date when it was chosen. `listed_again`:
    another date, under which it was listed while it was in flight. `was_rejected`: by an earlier run. `is_doubted`: its
    stored body is doubted, and this run has not asked for it yet.
    """

    stage: Stage = Stage.OPEN
    known_date: datetime | None = None
    listed_date: datetime | None = None
    listed_again: datetime | None = None
    was_rejected: bool = False
    is_doubted: bool = False


class Sender(Protocol):
    """The sender of the run's requests, which counts them."""

    @property
    def requests(self) -> int: ...

    @property
    def retries(self) -> int: ...


NEW = Record()
NOTHING_STORED = Compared()
_AFTER = {Outcome.LOADED: Stage.LOADED, Outcome.REJECTED: Stage.REJECTED, Outcome.LEFT: Stage.OPEN}


class Total:
    """The counts of a run so far."""

    counts: Counts = NONE


class Ledger:
    """How far the tasks of a run have come: chosen, in flight, then loaded, rejected or left as they are.

    `beside`: the tasks that are fetched at this moment because of hints; `hinted`: all that have been.
    """

    def __init__(self, total: Total | None = None) -> None:
        self.progress = Progress()
        self.beside: set[int] = set()
        self.hinted: set[int] = set()
        self._total = total or Total()
        self._records: dict[int, Record] = {}
        self._waiting: Counter[int] = Counter()
        self._faults = 0
        self._refusals = 0
        self.feeds = FeedsRead()
        self.lag = Lag()

    def __len__(self) -> int:
        """The number of tasks that it remembers."""
        return len(self._records)

    def apart(self) -> "Ledger":
        """A ledger for tasks that are fetched beside the plan. They count for the same run."""
        return Ledger(self._total)

    def counts(self, sender: Sender) -> Counts:
        """The counts of the run so far."""
        return self._total.counts + Counts(requests=sender.requests, retries=sender.retries)

    def count(self, more: Counts) -> None:
        self._total.counts += more

    def note_rejected(self, dates: Dates) -> None:
        """Notes the tasks that earlier runs rejected."""
        for task_id, date in dates.items():
            record = self._of(task_id)
            self._records[task_id] = record._replace(was_rejected=True, known_date=record.known_date or date)

    def note_doubted(self, dates: Dates) -> None:
        """Notes the tasks whose stored bodies are doubted."""
        for task_id, date in dates.items():
            record = self._of(task_id)
            self._records[task_id] = record._replace(is_doubted=True, known_date=date or record.known_date)

    def adopt(self, wanted: Iterable[Wanted], rejected: Set[int]) -> None:
        """Puts tasks in flight that another ledger has chosen; earlier runs rejected some of them."""
        for each in wanted:
            self._records[each.task_id] = Record(Stage.IN_FLIGHT, was_rejected=each.task_id in rejected)

    def rejected_before(self, wanted: Iterable[Wanted]) -> frozenset[int]:
        """Those of the tasks that earlier runs rejected."""
        return frozenset(each.task_id for each in wanted if self._of(each.task_id).was_rejected)

    def note_windows(self, *, listed: int, left: int) -> None:
        """Notes that `listed` more windows were listed, and `left` are still to list."""
        self.progress.windows_listed += listed
        self.progress.windows_left = left

    def trusted(self, task_ids: Iterable[int]) -> set[int]:
        """Returns those of the tasks whose stored bodies are not doubted."""
        return {task_id for task_id in task_ids if not self._of(task_id).is_doubted}

    def choose(self, listed: Listed, stored: Compared = NOTHING_STORED) -> list[Wanted]:
        """Puts the listed tasks in flight that must be fetched.

        Not those that are stored as listed or left to another account, unless their bodies are doubted; nor those that
        are in flight or done.
        """
        unchanged, left = self.trusted(stored.unchanged), self.trusted(stored.left)
        tasks = {task.id: task for task in listed.tasks}.values()
        self._note_listed_again(tasks)
        skipped = unchanged | left
        chosen = [self._put_in_flight(task, listed) for task in tasks if self._is_to_fetch(task, skipped)]
        if listed.window_no is not None:
            self._waiting[listed.window_no] = len(chosen) or 1  # if there is nothing to fetch, its end arrives
        self.count(Counts(tasks_listed=len(listed.tasks), tasks_unchanged=len(unchanged)))
        self.progress.tasks_wanted += len(chosen)
        return chosen

    def finished_by(self, arrivals: Iterable[Arrival]) -> list[int]:
        """The windows that are done when these arrivals are committed."""
        here = Counter(arrival.window_no for arrival in arrivals if arrival.window_no is not None)
        return [window_no for window_no, number in here.items() if self._waiting[window_no] == number]

    def commit(self, arrivals: Iterable[Arrival], counted: Counts) -> None:
        """Notes that the arrivals are committed, and what they add to the counts."""
        for arrival in arrivals:
            if arrival.window_no is not None:
                self._waiting[arrival.window_no] -= 1
            if outcome := arrival.outcome:
                self._settle(*outcome)
        self.count(counted)

    def doubted(self) -> list[TaskHeader]:
        """The tasks whose stored bodies are doubted, and that this run has not asked for yet."""
        return [TaskHeader(id_, each.known_date) for id_, each in self._records.items() if each.is_doubted]

    def listed_again(self) -> list[TaskHeader]:
        """The tasks that were listed with another date while they were in flight."""
        return [TaskHeader(id_, each.listed_again) for id_, each in self._records.items() if each.listed_again]

    @property
    def is_idle(self) -> bool:
        """Whether every chosen task is loaded, rejected or left as it is stored."""
        return all(record.stage is not Stage.IN_FLIGHT for record in self._records.values())

    def is_in_flight(self, task_id: int) -> bool:
        return self._of(task_id).stage is Stage.IN_FLIGHT

    def note_answer(self) -> None:
        """Notes that the server served a task."""
        self._faults = 0

    def note_fault(self, task_id: int) -> int:
        """Notes that the server failed to serve a task; returns how many in a row, not counting known failures."""
        self._faults += not self._of(task_id).was_rejected
        return self._faults

    def note_refusal(self, task_id: int) -> int:
        """Notes that PostgreSQL refused a task; returns how many in a row, not counting known failures."""
        self._refusals += not self._of(task_id).was_rejected
        return self._refusals

    def _of(self, task_id: int) -> Record:
        return self._records.get(task_id, NEW)

    def _note_listed_again(self, tasks: Iterable[TaskHeader]) -> None:
        """Remembers tasks in flight that are listed with another date: the body that arrives may be older."""
        for task in tasks:
            record = self._of(task.id)
            is_other = task.modified_date not in (None, record.listed_date)
            if record.stage is Stage.IN_FLIGHT and is_other and not self.lag.explains(task, record.listed_date):
                self._records[task.id] = record._replace(listed_again=task.modified_date)

    def _is_to_fetch(self, task: TaskHeader, skipped: Set[int]) -> bool:
        stage = self._of(task.id).stage
        if task.id in skipped or stage in (Stage.IN_FLIGHT, Stage.REJECTED):
            return False
        return stage is not Stage.LOADED or task.modified_date is not None

    def _put_in_flight(self, task: TaskHeader, listed: Listed) -> Wanted:
        before = self._of(task.id)
        self._records[task.id] = before._replace(
            stage=Stage.IN_FLIGHT, listed_date=task.modified_date, listed_again=None, is_doubted=False
        )
        date = task.modified_date or before.known_date
        self.lag.note_late(task)
        return Wanted(
            task.id, date, listed.window_no, before.is_doubted, not listed.stored, listed_note_id=task.last_note_id
        )

    def _settle(self, task_id: int, outcome: Outcome) -> None:
        """Forgets a task that is done, unless the rest of the run needs it."""
        record = self._records.pop(task_id)._replace(stage=_AFTER[outcome])
        if outcome is Outcome.LOADED:
            self._refusals = 0
        if record.stage is Stage.REJECTED or record.was_rejected or record.listed_again:
            self._records[task_id] = record
        self.progress.tasks_done += 1
