"""A plan, and the parts of a run that it is given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from pyrus_etl.model.task import Task
from pyrus_etl.settings.privacy import OPEN, Privacy
from pyrus_etl.settings.selection import EVERYTHING, Selection
from pyrus_etl.sync.flow import Limits
from pyrus_etl.sync.session import Session
from pyrus_etl.sync.sharing.workers import Workers
from pyrus_etl.sync.stop import Stop
from pyrus_etl.sync.tasks.ledger import Ledger


@dataclass(frozen=True)
class Run:
    """A run that is logged in: what it holds open, how far its tasks have come, and whether it was asked to stop.

    `overlap`: the minimum overlap of two syncs. `form_overrides`: project id → form id, set manually.
    `has_outdated_rows`: another version made some rows. `forms`, `lists`: those that are read. `privacy`: the
    rules for what is stored. `workers`: processes that fetch and commit for it, if there are any.
    """

    session: Session
    ledger: Ledger
    stop: Stop
    limits: Limits
    overlap: timedelta
    form_overrides: Mapping[int, int | None]
    has_outdated_rows: bool
    forms: Selection = EVERYTHING
    lists: Selection = EVERYTHING
    privacy: Privacy = OPEN
    workers: Workers | None = None

    def reads(self, task: Task) -> bool:
        """Whether a task is in a form that is read; a list shows tasks of other forms too."""
        return self.forms.is_everything or not task.form_id or self.forms.has(task.form_id)

    @property
    def is_selected(self) -> bool:
        """Whether only some forms or lists are read."""
        return not (self.forms.is_everything and self.lists.is_everything)


class Plan(NamedTuple):
    """What a run does. `kind`: its name in sync_runs and `--json`."""

    kind: str
    carry_out: Callable[[Run], Awaitable[None]]
