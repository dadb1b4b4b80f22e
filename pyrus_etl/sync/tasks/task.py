"""A task on its way through the pipeline: listed, wanted, arrived."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import Enum, auto
from itertools import islice
from typing import NamedTuple

from pyrus_etl.load.tasks.rejected import Rejected
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.model.body import Fetched
from pyrus_etl.model.task import TaskHeader

LARGEST_PART = 5000


class Listed(NamedTuple):
    """Tasks of a list, and the number of the window that is done when all of them are.

    `stored`: no list shows them; they are fetched because their stored bodies are doubted.
    """

    tasks: Sequence[TaskHeader]
    window_no: int | None = None
    stored: bool = False


def in_parts(tasks: Iterable[TaskHeader]) -> Iterator[Listed]:
    """Splits a list into parts of at most `LARGEST_PART` tasks."""
    left = iter(tasks)
    while part := list(islice(left, LARGEST_PART)):
        yield Listed(part)


class Wanted(NamedTuple):
    """A task to fetch, and the date and the last note under which it is listed, if it has them.

    `is_doubted`: its stored body is doubted; `is_listed`: a list shows it.
    """

    task_id: int
    listed_date: datetime | None
    window_no: int | None
    is_doubted: bool
    is_listed: bool
    listed_note_id: int | None = None


class Outcome(Enum):
    """How a wanted task ended.

    LEFT: it stays as it is stored, because Pyrus refuses it and no list shows it, or because another account stored it.
    """

    LOADED = auto()
    REJECTED = auto()
    LEFT = auto()


class Served(NamedTuple):
    """A task as it was served, before its rows are made."""

    wanted: Wanted
    fetched: Fetched


class Arrival(NamedTuple):
    """A task on its way into a batch: as it was `served`, then with its rows (`load`); or it is rejected, or stays.

    `failure`: why it is rejected. `left`: the id of a task that the account cannot read. `settled`: of one that another
    account has stored meanwhile. If all are None, a window had nothing to fetch. `size`: bytes of the body. `done`: a
    worker has committed the task, with this outcome; `read`: with the date of this body.
    """

    window_no: int | None
    load: TaskLoad | None = None
    failure: Rejected | None = None
    left: int | None = None
    size: int = 0
    settled: int | None = None
    done: tuple[int, Outcome] | None = None
    read: tuple[Wanted, datetime | None] | None = None
    served: Served | None = None

    @property
    def outcome(self) -> tuple[int, Outcome] | None:
        """The task and how it ended; None if a window had nothing to fetch."""
        if self.done:
            return self.done
        if self.served:
            return self.served.wanted.task_id, Outcome.LOADED
        if self.load:
            return self.load.task_id, Outcome.LOADED
        if self.failure:
            return self.failure.task_id, Outcome.REJECTED
        stays = self.settled if self.left is None else self.left
        return None if stays is None else (stays, Outcome.LEFT)
