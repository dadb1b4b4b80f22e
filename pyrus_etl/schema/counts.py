"""The counters of a run. A line of `Counts` is all that a counter needs besides its migration.

From it come the column of sync_runs with its comment, the key in `--json`, and what a run prints.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Self

TASKS, FILES, SERVICE, COPIES, ROWS = "tasks", "files", "service", "copies", "rows"
NOT_STORED = {
    FILES: (
        "not stored: {}; see why in pyrus.attachment_contents, with --service in pyrus.service_file_contents; "
        "the next download tries again"
    ),
    COPIES: "not copied: {}; see why in pyrus.file_copies; the next mirror tries again",
}
"""Runs → the line of their summary about files that they could not store or copy."""


class Counter(NamedTuple):
    """A counter. `label`: follows its number in the summary of a run; empty to leave it out.

    `advice`: a line of the summary if the number is not zero. `of`: the runs whose summary it is in, as words: those
    that fetch tasks, fetch contents of files, read the files of a service, copy files to one, or send rows; empty: all.
    """

    name: str
    comment: str
    label: str
    advice: str
    of: str


def _counter(comment: str, label: str = "", advice: str = "", of: str = TASKS) -> Any:
    return field(default=0, metadata={"comment": comment, "label": label, "advice": advice, "of": of})


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of a run so far."""

    tasks_listed: int = _counter("Entries read in lists of tasks; a task in two lists counts twice.", "listed")
    tasks_fetched: int = _counter("Bodies fetched.", "fetched")
    tasks_changed: int = _counter("Tasks written, because they were new or their body had changed.", "changed")
    tasks_unchanged: int = _counter(
        "Listed tasks found unchanged, by their date or by the hash of their body.", "unchanged"
    )
    tasks_deleted: int = _counter("Tasks marked as deleted.", "deleted")
    tasks_failed: int = _counter(
        "Tasks set aside; see sync_errors.", "set aside", "see why tasks were set aside: pyrus-etl errors list"
    )
    forms_lost: int = _counter(
        "Forms that the account no longer sees, or whose register is refused; see forms.lost_at.",
        advice="{} forms are lost: give the account its rights back, or leave them out by --forms",
    )
    values_unreadable: int = _counter(
        "Values stored as null because they could not be read; raw_tasks has them.",
        advice="{} values could not be read; pyrus.raw_tasks has them as served",
    )
    files_listed: int = _counter(
        "Files that the run listed, or whose contents it was to fetch.", "listed", of=f"{FILES} {SERVICE} {COPIES}"
    )
    files_stored: int = _counter("Files whose contents were stored.", "stored", of=FILES)
    files_copied: int = _counter("Files that were copied to another service.", "copied", of=COPIES)
    files_skipped: int = _counter("Files that an option of the run leaves out.", "skipped", of=FILES)
    files_missing: int = _counter("Files that Pyrus does not have.", "missing", of=FILES)
    files_denied: int = _counter("Files that Pyrus refuses to the account.", "denied", of=FILES)
    files_corrupt: int = _counter("Files that came with another size or MD5 than stated.", "corrupt", of=FILES)
    files_failed: int = _counter(
        "Files that could not be stored or copied for another reason; see attachment_contents and file_copies.",
        "failed",
        of=f"{FILES} {COPIES}",
    )
    files_changed: int = _counter("Files of another service that were new or changed.", "new or changed", of=SERVICE)
    files_unchanged: int = _counter("Files of another service that were stored already.", "unchanged", of=SERVICE)
    files_deleted: int = _counter("Files of another service that were marked as deleted.", "deleted", of=SERVICE)
    projects_failed: int = _counter(
        "Projects of another service whose files could not be listed.",
        "projects set aside",
        "see the warnings about projects; none of their files was marked as deleted",
        of=SERVICE,
    )
    bytes: int = _counter("Bytes of the contents that were stored or copied.", "bytes", of=f"{FILES} {COPIES}")
    rows_sent: int = _counter("Rows of the outbox that Pyrus has applied.", "sent", of=ROWS)
    rows_refused: int = _counter(
        "Rows of the outbox that were refused, by Pyrus or before they were sent.",
        "refused",
        "refused: {}; see why in pyrus.outbox.error; correct the body and run push --resolve ID waiting",
        of=ROWS,
    )
    rows_unknown: int = _counter(
        "Rows of the outbox of which nobody knows whether Pyrus has applied them.",
        "unknown",
        "look in Pyrus whether they were applied ({}), and run push --resolve ID sent or waiting",
        of=ROWS,
    )
    rows_held: int = _counter(
        "Rows of the outbox that wait for an earlier row of their task.",
        "held",
        "held behind a row that is not settled: {}",
        of=ROWS,
    )
    requests: int = _counter("Requests sent to Pyrus.", "requests", of="")
    retries: int = _counter("Requests that had to be sent again.", "retries", of="")

    def __add__(self, more: "Counts") -> Self:
        return type(self)(*(mine + theirs for mine, theirs in zip(self._numbers, more._numbers, strict=True)))

    def as_columns(self) -> dict[str, int]:
        """The number of each counter, by the name of its column."""
        return {each.name: getattr(self, each.name) for each in COUNTERS}

    @property
    def _numbers(self) -> Iterator[int]:
        return (getattr(self, each.name) for each in COUNTERS)

    @property
    def files_not_stored(self) -> int:
        """Files that were requested and are not stored."""
        return self.files_missing + self.files_denied + self.files_corrupt + self.files_failed

    @property
    def rows_not_sent(self) -> int:
        """Rows of the outbox that somebody has to look at."""
        return self.rows_refused + self.rows_unknown + self.rows_held

    def summary(self, of: str = TASKS) -> Iterator[str]:
        """What such a run prints: a line with the numbers, then lines of advice."""
        numbers, shown = self.as_columns(), [each for each in COUNTERS if not each.of or of in each.of.split()]
        yield ", ".join(f"{numbers[each.name]} {each.label}" for each in shown if each.label)
        yield from (each.advice.format(numbers[each.name]) for each in shown if each.advice and numbers[each.name])
        if of in NOT_STORED and self.files_not_stored:
            yield NOT_STORED[of].format(self.files_not_stored)


NONE = Counts()

COUNTERS = tuple(Counter(each.name, **each.metadata) for each in fields(Counts))
