"""Whether a note, or a new task, is what a write has made: the same, perhaps, or another one."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from enum import Enum, auto
from typing import Any

from pyrus_etl.given import UNSET
from pyrus_etl.model.attachment import Attachment
from pyrus_etl.model.form import FormValue
from pyrus_etl.model.person import Person
from pyrus_etl.model.project import Project
from pyrus_etl.model.task import Note, Task
from pyrus_etl.model.value import Due, Flag, Items, Projects
from pyrus_etl.model.write import OF_FILES, TypedValue, Write, is_url

Mark = bool | None
"""Whether one given property is shown as it was written; None if nothing is shown of it."""


class Likeness(Enum):
    """How much something is like what a write makes."""

    SAME = auto()
    PERHAPS = auto()
    OTHER = auto()


def of_note(note: Note, write: Write) -> Likeness:
    """A text and files must be there. A change need not be: Pyrus shows none if it changes nothing."""
    texts = _texts(note.text, write)
    files = _attached(note.attachments or (), write)
    marks = [*_marks(note, write), *_values(note.form or (), write.values)]
    return _judged(texts, files, marks)


def of_task(task: Task, write: Write) -> Likeness:
    """A new task: its text if it has one of its own, its files, and the values of its form."""
    if write.form_id is not None and task.form_id not in (UNSET, None, write.form_id):
        return Likeness.OTHER
    texts = None if write.form_id is not None and not write.text else _texts(_given(task.text), write)
    first = next((note for note in _given(task.notes) or () if note), None)
    files = _attached([*((first and first.attachments) or ()), *(_given(task.attachments) or ())], write)
    marks = [
        _equal(_given(task.subject), write.subject),
        _equal(_id(_given(task.responsible)), write.responsible_id),
        _equal(_given(task.due_date), write.due_date),
        _equal(_given(task.parent_task_id), write.parent_task_id),
        *_values(_given(task.form) or (), write.values),
    ]
    return _judged(texts, files, marks)


def _judged(texts: Mark, files: Mark, marks: Sequence[Mark]) -> Likeness:
    if texts is False:
        return Likeness.OTHER
    if files is False:
        return Likeness.PERHAPS if texts else Likeness.OTHER
    if False in marks:
        return Likeness.PERHAPS if texts or files else Likeness.OTHER
    return Likeness.SAME if texts or files or True in marks else Likeness.PERHAPS


def _texts(shown: str | None, write: Write) -> Mark:
    """A write without a text makes a note without one; markup cannot be compared."""
    if write.formatted_text is not None:
        return None
    if write.text is None or not write.text.strip():
        return False if shown and shown.strip() else None
    return _plain(shown or "") == _plain(write.text)


def _plain(text: str) -> str:
    """A text without what a service may change in it: spaces, forms of Unicode, characters that cannot be stored."""
    return " ".join(unicodedata.normalize("NFC", text.replace("\0", "\ufffd")).split())


def _attached(shown: Iterable[Attachment | None], write: Write) -> Mark:
    wanted = Counter(_plain(name_of(file)) for file in write.attachments or () if not is_url(file))
    there = Counter(_plain(each.name or "") for each in shown if each)
    if not wanted:
        return False if there and not write.attachments and not _has_files(write) else None
    return wanted <= there


def _has_files(write: Write) -> bool:
    return any(each.type in OF_FILES for each in write.values)


def name_of(path: str) -> str:
    """The name that a file of this machine has at Pyrus."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _marks(note: Note, write: Write) -> Iterator[Mark]:
    yield _equal(note.activity_action, write.activity_action)
    yield _equal(note.approval_choice, write.approval_choice)
    yield _equal(_id(note.reassigned_to), write.responsible_id)
    yield _equal(note.subject, write.subject)
    yield _equal(note.due_date_changed, write.due_date)
    yield _equal(note.due_at, write.due_at)
    yield _equal(note.due_date_removed or None, write.clear_due_date)
    yield _subset(note.added_projects, write.added_project_ids)
    yield _subset(note.removed_projects, write.removed_project_ids)
    yield _steps(note.approvals_added, write.approvals)
    yield _steps(note.approvals_removed, write.removed_approvals)
    yield _steps(note.approvals_rerequested, write.rerequested_approvals)
    yield _members(note.participants_added, write.participant_ids)
    yield _members(note.participants_removed, write.removed_participant_ids)


def _equal(shown: object, given: object) -> Mark:
    return None if given is None or shown in (None, UNSET) else shown == given


def _id(person: Any) -> int | None:
    return person.id if isinstance(person, Person) else None


def _given(value: Any) -> Any:
    return None if value is UNSET else value


def _among(shown: set[int], given: Iterable[int]) -> Mark:
    """Pyrus shows only what has changed, so a part of what was given is enough."""
    wanted = set(given)
    if not wanted or not shown:
        return None
    return bool(shown & wanted)


def _subset(shown: Sequence[Project | int | None] | None, given: Iterable[int] | None) -> Mark:
    ids = {each.id if isinstance(each, Project) else each for each in shown or ()}
    return _among({each for each in ids if each}, given or ())


def _steps(shown: Any, given: Sequence[Sequence[int]] | None) -> Mark:
    people = [getattr(each, "person", None) or each for step in shown or () for each in step or ()]
    ids = {each.id for each in people if isinstance(each, Person) and each.id}
    return _among(ids, [person_id for step in given or () for person_id in step])


def _members(shown: Any, given: Iterable[int] | None) -> Mark:
    return _among({each.person.id for each in shown or () if each and each.person.id}, given or ())


def _values(shown: Iterable[FormValue | None], given: Sequence[TypedValue]) -> Iterator[Mark]:
    found = {(each.field.id, each.row_id): each for each in shown if each}
    for each in given:
        there = found.get((each.field_id, each.row_id))
        yield None if there is None else _same(there.value, each.value)


def _same(shown: Any, given: Any) -> Mark:
    """Whether a shown value is the given one; None if they cannot be compared."""
    match shown:
        case None:
            return True if given in (None, "") else None
        case Flag():
            return bool(shown.word == given)
        case Person() | Project():
            return bool(given and shown.id == given[0])
        case Projects():
            return {each.id for each in shown.projects if each} == set(given or ())
        case Items():
            ids = {each.id for each in shown.items if each and each.id is not None}
            return ids == set(given or ()) if ids and shown.kind != "file" else None
        case Due():
            return _same(shown.at, given)
        case datetime():
            return bool(shown == given) if isinstance(given, datetime) else None
        case date():
            return bool(shown == given) if isinstance(given, date) and not isinstance(given, datetime) else None
        case str():
            return _plain(shown) == _plain(given) if isinstance(given, str) else None
    return bool(shown == given) if type(shown) is type(given) else None
