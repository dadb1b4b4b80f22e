"""How far the registers lag behind the tasks: a run measures it without a request, and later runs ask further back."""

import math
from datetime import datetime

from pyrus_etl.model.task import TaskHeader
from pyrus_etl.sync.tasks.task import Wanted


class Lag:
    """The greatest lag that a run saw, in seconds; None if its lists do not lag, or if it saw none.

    `start`: of the run, by the server's clock; None if its lists do not lag. `cursor`: the start of the last complete
    run. `asked_from`: the second from which changes are listed. Older ones come from a feed that is read for the first
    time, and say nothing about the lag. The lag is at least the time between a change and the moment when a register
    was read without it.
    """

    def __init__(self) -> None:
        self.start: datetime | None = None
        self.cursor: datetime | None = None
        self.asked_from: float | None = None
        self.seconds: float | None = None

    def explains(self, task: TaskHeader, listed_date: datetime | None) -> bool:
        """Whether a list that lags may show the older date of a task that was listed under a later one."""
        date = task.modified_date
        return self.start is not None and date is not None and listed_date is not None and date < listed_date

    def note_late(self, task: TaskHeader) -> None:
        """Notes a task that a register shows as changed: the last run did not see a change before its start."""
        date = task.modified_date
        if task.last_note_id is not None and date is not None and date.timestamp() >= (self.asked_from or -math.inf):
            self._note(date, self.cursor)

    def note_body(self, wanted: Wanted, date: datetime | None) -> None:
        """Notes the date of a body: if it is later than the one in the register, that was read without the change."""
        listed = wanted.listed_date
        if wanted.listed_note_id is not None and listed is not None and date is not None and listed < date:
            self._note(date, self.start)

    def _note(self, changed: datetime, read: datetime | None) -> None:
        if self.start is not None and read is not None and changed < read:
            self.seconds = max(self.seconds or 0.0, (read - changed).total_seconds())
