"""Rows of some tasks, grouped by table, as normalize passes them to load."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from operator import itemgetter
from typing import Any, LiteralString, NamedTuple

from sqlalchemy import Table

from pyrus_etl.schema import definition, form, metadata, person, project, task

OWNER = task.tasks
"""The table of the tasks themselves: a changed row is updated in place, because its children refer to it."""

OWNED = tuple(table for table in metadata.sorted_tables if table.info.get("owned"))
"""Tables in which every row belongs to one task: all rows of a task are replaced when it changes."""


class Part(NamedTuple):
    """Rows of an owned table that are replaced together: all, or those that match the condition."""

    table: Table
    condition: LiteralString | None = None


FORM_ITEMS = Part(form.form_value_items, "note_no = 0")
NOTE_ITEMS = Part(form.form_value_items, "note_no > 0")
PARTS = (*(Part(table) for table in OWNED if table is not form.form_value_items), FORM_ITEMS, NOTE_ITEMS)
"""Everything that belongs to a task, split into the parts that an answer may contain separately."""

MERGED = (person.organizations, person.persons, project.projects, definition.form_fields)
"""Tables that tasks share: served values are merged, and values that are not served stay."""


_KEYS = {table: itemgetter(*range(len(table.primary_key))) for table in MERGED}


class Rows:
    """Rows by table; in a merged table one row per key, in which given columns replace missing ones.

    `claims`: the parts of owned tables that these rows replace, even if there are no rows for a part; nothing else in
    the owned tables is replaced. `unreadable` counts the values that are null because they could not be read.
    """

    def __init__(self) -> None:
        self.owned: defaultdict[Table, list[tuple[Any, ...]]] = defaultdict(list)
        self.merged: defaultdict[Table, dict[Any, tuple[Any, ...]]] = defaultdict(dict)
        self.claims: set[Part] = set()
        self._seen: dict[Any, Any] = {}
        self.unreadable = 0

    def claim(self, *parts: Table | Part) -> None:
        self.claims |= _parts(parts)

    def add(self, table: Table, row: tuple[Any, ...]) -> None:
        self.owned[table].append(row)

    def is_new(self, key: Any, value: Any) -> bool:
        """Remembers the value of the key. Returns False if it was the same before: then there is nothing to merge."""
        if self._seen.get(key) == value:
            return False
        self._seen[key] = value
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


@cache  # few, and the same for every task
def _parts(claimed: tuple[Table | Part, ...]) -> frozenset[Part]:
    return frozenset(part if isinstance(part, Part) else Part(part) for part in claimed)


def _merge(merged: dict[Any, tuple[Any, ...]], key: Any, row: tuple[Any, ...]) -> None:
    known = merged.setdefault(key, row)
    if known is not row and known != row:
        merged[key] = _over(row, known)


def _over(newer: tuple[Any, ...], older: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(old if new is None else new for new, old in zip(newer, older, strict=True))
