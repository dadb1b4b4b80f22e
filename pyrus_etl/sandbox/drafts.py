"""A task being written: where it stands after the notes so far."""

from __future__ import annotations

from typing import Any

import msgspec

from .cases import Case
from .clock import wire
from .dice import Dice, mix
from .files import file_id

Json = dict[str, Any]


class Draft:
    """Filled by `roles`, a note at a time; `bodies` makes JSON of it."""

    def __init__(self, case: Case, origin: str) -> None:
        self.case = case
        self.origin = origin
        self.dice = Dice(case.word, 1)
        self.responsible: msgspec.Raw = case.first.full
        self.due = case.due
        self.projects = [case.home]
        if case.kind.project and case.home is not case.kind.project:
            self.projects.insert(0, case.kind.project)
        self.steps: list[list[Json] | None] = [
            None if step is None else [{"Person": one.full} for one in step] for step in case.steps
        ]
        self.decided: tuple[msgspec.Raw, str] | None = None
        self.closed: int | None = None
        self.modified = case.dates[0]
        self.notes: list[Json] = []
        self.changes: dict[int, Json] = {}
        self.purged = False
        self._files = 0
        self._numbered = case.word >> 56 < 40

    def note(self, date: int, author: msgspec.Raw) -> Json:
        """A new note at the end; one task in six shows their ids, the others none."""
        written: Json = {"CreateDate": wire(date), "Author": author}
        if self._numbered:
            written["Id"] = 3_200_000_000 + (self.case.ordinal << 10) + len(self.notes)
            written["TaskId"] = self.case.id
        self.notes.append(written)
        self.modified = date
        return written

    def purge(self, date: int) -> None:
        """All that hung on the task vanishes but the bare first note."""
        self.notes[:] = [{key: self.notes[0][key] for key in ("CreateDate", "Author")}]
        self.steps.clear()
        self.changes.clear()
        self.purged = True
        self.modified = date

    def file(self) -> int:
        """The id of the next file of this task."""
        self._files += 1
        return file_id(self.case.ordinal, self._files)

    def waiting(self) -> Json | None:
        """The approval whose turn it is."""
        return next((vote for step in self.steps if step for vote in step if "Choice" not in vote), None)

    def approved(self) -> Json | None:
        """The approval given last."""
        return next(
            (vote for step in reversed(self.steps) if step for vote in step if vote.get("Choice") == "Approved"),
            None,
        )

    def step(self) -> int:
        """The number of the approval step the task is on, from 1."""
        for number, step in enumerate(self.steps, 1):
            if step and any("Choice" not in vote for vote in step):
                return number
        return max(len(self.steps), 1)

    def form_dice(self, field_id: int) -> Dice:
        """Dice of a field of its own: an edit elsewhere in the task leaves its value as it was."""
        return Dice(mix(self.case.word, field_id))
