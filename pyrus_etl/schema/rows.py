"""The rows of some tasks, gathered by table on their way from normalize to load."""

from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from sqlalchemy import Table

from pyrus_etl.schema import attachment, form, note, person, project, raw, task

OWNER = task.tasks
"""The table of the tasks themselves: a changed row is overwritten in its place, for its children hang on it."""

OWNED = (
    task.task_projects,
    note.notes,
    note.note_projects,
    task.approvals,
    note.note_approvals,
    form.form_values,
    form.note_form_values,
    attachment.attachments,
    raw.raw_tasks,
)
"""Tables whose rows belong to one task: replaced whole when it changes."""

MERGED = (person.organizations, person.persons, project.projects, form.form_fields)
"""Tables that tasks share: what is told is merged, what is not told is kept."""


_KEYS = {table: itemgetter(*range(len(table.primary_key))) for table in MERGED}


class Rows:
    """Rows by table; in a merged table one row for each key, given columns over missing ones.

    `claims`: the owned tables whose contents these rows give, be they empty; what is stored in these is replaced, other
    tables are left alone. `unreadable` counts the values that are null because they could not be read.
    """

    def __init__(self) -> None:
        self.owned: defaultdict[Table, list[tuple[Any, ...]]] = defaultdict(list)
        self.merged: defaultdict[Table, dict[Any, tuple[Any, ...]]] = defaultdict(dict)
        self.claims: set[Table] = set()
        self._met: dict[Any, Any] = {}
        self.unreadable = 0

    def claim(self, *tables: Table) -> None:
        self.claims.update(tables)

    def add(self, table: Table, row: tuple[Any, ...]) -> None:
        self.owned[table].append(row)

    def first_met(self, key: Any, met: Any) -> bool:
        """Whether what is known under the key was last met in other words: only then is there something to merge."""
        if self._met.get(key) == met:
            return False
        self._met[key] = met
        return True

    def merge(self, table: Table, row: tuple[Any, ...]) -> None:
        _merge(self.merged[table], _KEYS[table](row), row)

    def extend(self, others: Iterable["Rows"]) -> None:
        for other in others:
            self.unreadable += other.unreadable
            for table, rows in other.owned.items():
                self.owned[table] += rows
            for table, by_key in other.merged.items():
                merged = self.merged[table]
                for key, row in by_key.items():
                    _merge(merged, key, row)


def _merge(merged: dict[Any, tuple[Any, ...]], key: Any, row: tuple[Any, ...]) -> None:
    known = merged.get(key)
    if known != row:
        merged[key] = row if known is None else _over(row, known)


def _over(newer: tuple[Any, ...], older: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(old if new is None else new for new, old in zip(newer, older, strict=True))
