"""What a write has left at Pyrus: looked for in the notes that were not there before, or among new tasks."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from pyrus_etl.given import UNSET
from pyrus_etl.model.task import Note, Task
from pyrus_etl.model.write import Write
from pyrus_etl.outbox.likeness import Likeness, of_note, of_task

CLOCKS = timedelta(minutes=1)
"""By how much the dates of tasks may be earlier than the server's clock has shown."""

NOT_LISTED = (
    "the answer was lost, and no list shows a task that it has made. Lists lag, so a push after an hour looks again, "
    "and decides if it can."
)


class Baseline(msgspec.Struct, frozen=True, omit_defaults=True):
    """What there was before a write. `notes`: the own notes of a task, as often as each is there.

    `since`: the server's time before a new task.
    """

    notes: Mapping[str, int] | None = None
    since: datetime | None = None


class Found(NamedTuple):
    """The write was applied. `note_id`: of its note, if that has an id."""

    task_id: int
    note_id: int | None = None


class Absent(NamedTuple):
    """The write has left nothing."""


class Unsure(NamedTuple):
    """Nobody can tell; `reason` is a sentence."""

    reason: str


Verdict = Found | Absent | Unsure


def before(task: Task, account_id: int) -> Baseline:
    """What a task has of an account. Most notes of API v3 have no id: they are known by their date."""
    return Baseline(notes=Counter(_key(note) for note in _own(task, account_id)))


def in_task(task: Task, baseline: Baseline, write: Write, account_id: int) -> Verdict:
    """Looks for a comment, among the notes of the account that were not there before."""
    new = new_notes(task, baseline, account_id)
    like = {kind: [note for note in new if of_note(note, write) is kind] for kind in Likeness}
    if len(like[Likeness.SAME]) == 1:
        return Found(task.id, like[Likeness.SAME][0].id)
    if like[Likeness.SAME]:
        return Unsure(f"{len(like[Likeness.SAME])} new comments in task {task.id} are like it; was it applied twice?")
    if like[Likeness.PERHAPS]:
        return Unsure(f"a new comment in task {task.id} may be its effect; look whether it is.")
    return Absent()


def new_notes(task: Task, baseline: Baseline, account_id: int) -> list[Note]:
    """The notes of the account that were not there before."""
    left = Counter(baseline.notes or {})
    new = []
    for note in _own(task, account_id):
        if left[_key(note)] > 0:
            left[_key(note)] -= 1
        else:
            new.append(note)
    return new


def among(
    tasks: Iterable[Task], baseline: Baseline, write: Write, account_id: int, *, are_all: bool = False
) -> Verdict:
    """Looks for a new task. `are_all`: there can be no other; lists lag, so nobody may say that before long."""
    new = [task for task in tasks if _is_new(task, baseline, account_id)]
    like = {kind: [task.id for task in new if of_task(task, write) is kind] for kind in Likeness}
    if len(like[Likeness.SAME]) == 1:
        return Found(like[Likeness.SAME][0])
    if found := like[Likeness.SAME] or like[Likeness.PERHAPS]:
        return Unsure(f"it may have made one of the tasks {', '.join(map(str, found[:5]))}; look whether it has.")
    return Absent() if are_all else Unsure(NOT_LISTED)


def _is_new(task: Task, baseline: Baseline, account_id: int) -> bool:
    made, author = task.create_date, task.author
    is_own = author is not UNSET and author is not None and author.id == account_id
    is_late = baseline.since is None or made is UNSET or made is None or made >= baseline.since - CLOCKS
    return is_own and is_late


def _own(task: Task, account_id: int) -> list[Note]:
    notes = () if task.notes is UNSET else task.notes or ()
    return [note for note in notes if note and (note.author.id if note.author else note.user_id) == account_id]


def _key(note: Note) -> str:
    return str(note.id) if note.id is not None else f"at {note.create_date}"
