"""Rows of the outbox on their way out: read, checked, and encoded. It asks nobody but the database and the disk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyrus_etl.errors import FileRefused
from pyrus_etl.extract.files.local import contents_within
from pyrus_etl.extract.writer import Writes, complaints, shown
from pyrus_etl.load.outbox import known as stored
from pyrus_etl.load.outbox.waiting import Entry
from pyrus_etl.model.known import Known
from pyrus_etl.model.write import COMMENT, PROPERTIES, Write
from pyrus_etl.outbox.body import Read, read_body
from pyrus_etl.outbox.check import checked
from pyrus_etl.postgres.connection import Connection


@dataclass(frozen=True)
class Outgoing:
    """A row, what it says, and why it cannot be sent: a sentence for each problem."""

    entry: Entry
    write: Write
    problems: Sequence[str] = ()

    @property
    def refusal(self) -> str:
        """The problems as one text, a sentence for each."""
        return " ".join(_sentence(problem) for problem in self.problems)

    @property
    def reason_to_wait(self) -> str | None:
        """Why nobody can send it now: the account that it names may log in later."""
        if (name := self.entry.unknown_account) is None:
            return None
        return f"No account is named {name[:60]!r}; it waits until that account pushes, or name another one."


def _sentence(problem: str) -> str:
    """With a capital letter, unless it begins with the name of a property."""
    is_name = problem.partition(" ")[0] in PROPERTIES
    return f"{problem[:1] if is_name else problem[:1].upper()}{problem[1:].rstrip('.')}."


def read(entries: Iterable[Entry]) -> list[tuple[Entry, Read]]:
    return [(entry, read_body(entry.action, entry.task_id, entry.body)) for entry in entries]


def known_of(connection: Connection, rows: Sequence[tuple[Entry, Read]]) -> Known:
    """What the database knows of everything that the rows refer to."""
    writes = [each.write for _, each in rows]
    task_ids = {write.task_id for write in writes if write.action == COMMENT and write.task_id}
    return stored.known(connection, task_ids, {write.form_id for write in writes if write.form_id is not None})


def prepared(entry: Entry, read: Read, known: Known, writes: Writes, folder: str | None) -> Outgoing:
    """A row with all its problems: of its body, of the database, of the API and of its files."""
    write, problems = checked(read.write, known)
    found = [*read.problems, *problems, *complaints(writes, write)]
    for path in write.paths:
        try:
            contents_within(folder, path)
        except FileRefused as error:
            found.append(str(error))
    return Outgoing(entry, write, tuple(found))


def as_object(row: Outgoing, writes: Writes) -> dict[str, Any]:
    """What would be sent, for people and `--json`."""
    entry = row.entry
    known = {"outbox_id": str(entry.outbox_id), "action": entry.action, "task_id": entry.task_id}
    if row.reason_to_wait:
        return {**known, "status": "waiting", "error": row.reason_to_wait}
    if row.problems:
        return {**known, "status": "refused", "error": row.refusal}
    call = shown(writes, row.write)
    return {**known, "status": entry.status, "request": f"{call.method} {call.path}", "body": call.body}
