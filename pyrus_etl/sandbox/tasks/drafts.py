"""A task while its notes are written: its state after the notes so far."""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.clock import wire
from pyrus_etl.sandbox.organisation.dice import Dice, mix
from pyrus_etl.sandbox.organisation.projects import Project
from pyrus_etl.sandbox.tasks.cases import Case
from pyrus_etl.sandbox.tasks.comments import Comment, Due, Extra
from pyrus_etl.sandbox.tasks.files import file_id

Json = dict[str, Any]


class Draft:
    """`roles` fills it, one note at a time; `bodies` turns it into JSON.

    `places` has a number for each note, which it keeps if an earlier note goes; `by_api` has, by these numbers, what
    accounts wrote by an API. `changes` are new values of fields, `cells` those in rows of tables, `extras` those of
    fields that only API v4 has.
    """

    def __init__(self, case: Case, origin: str) -> None:
        self.case = case
        self.origin = origin
        self.dice = Dice(case.word, 1)
        self.responsible: msgspec.Raw = case.first.full
        self.due = case.due
        self.projects = projects_at_first(case)
        self.steps: list[list[Json] | None] = [
            None if step is None else [{"Person": one.full} for one in step] for step in case.steps
        ]
        self.decided: tuple[msgspec.Raw, str] | None = None
        self.closed: int | None = None
        self.modified = case.dates[0]
        self.notes: list[Json] = []
        self.places: list[int] = []
        self.by_api: dict[int, Comment] = {}
        self.due_written: Due | None = None
        self.changes: dict[int, Json] = {}
        self.cells: dict[tuple[int, int], Json] = {}
        self.rows_gone: set[tuple[int, int]] = set()
        self.extras: dict[int, Extra] = {}
        self.purged = False
        self._files = self._count = 0
        self._numbered = case.word >> 56 < 40

    def note(self, date: int, author: msgspec.Raw) -> Json:
        """Appends a note. One task in six has notes with ids; the others have none."""
        written: Json = {"CreateDate": wire(date), "Author": author}
        if self._numbered:
            written["Id"] = 3_200_000_000 + (self.case.ordinal << 10) + self._count
            written["TaskId"] = self.case.id
        self.notes.append(written)
        self.places.append(self._count)
        self._count += 1
        self.modified = date
        return written

    def purge(self, date: int) -> None:
        """Removes notes, approvals and form; only the date and the author of the first note remain."""
        self.notes[:] = [{key: self.notes[0][key] for key in ("CreateDate", "Author")}]
        self.places[:] = [0]
        self.steps.clear()
        self.changes.clear()
        self.cells.clear()
        self.extras.clear()
        self.purged = True
        self.modified = date

    def file(self) -> int:
        """The id of the next file of this task."""
        self._files += 1
        return file_id(self.case.ordinal, self._files)

    def waiting(self) -> Json | None:
        """The first approval without a decision, if any."""
        return next((vote for step in self.steps if step for vote in step if "Choice" not in vote), None)

    def approved(self) -> Json | None:
        """An approval that was given, in the last step that has one."""
        return next(
            (vote for step in reversed(self.steps) if step for vote in step if vote.get("Choice") == "Approved"),
            None,
        )

    def step(self) -> int:
        """The number of the current approval step, from 1."""
        for number, step in enumerate(self.steps, 1):
            if step and any("Choice" not in vote for vote in step):
                return number
        return max(len(self.steps), 1)

    def form_dice(self, field_id: int) -> Dice:
        """The dice of one field, so that an edit elsewhere in the task does not change its value."""
        return Dice(mix(self.case.word, field_id))


def projects_at_first(case: Case) -> list[Project]:
    """The form's project, and the list that the task is filed in."""
    own = [case.kind.project] if case.kind.project else []
    return own if case.made or case.home in own else [*own, case.home]
