"""The result of a run, for sync_runs, `--json` and callers in Python."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from pyrus_etl.errors import SET_ASIDE, CensusDoubted, PyrusEtlError, StoppedEarly
from pyrus_etl.schema.counts import COPIES, FILES, NONE, ROWS, SERVICE, TASKS, Counts

DOWNLOAD = "download"
"""The kind of run that fetches files, not tasks."""
SYNC_FILES = "files"
"""The kind of run that reads the files of another service."""
MIRROR = "mirror"
"""The kind of run that copies files to another service."""
HINTS = "hints"
"""The kind of run that fetches the tasks that webhooks named."""
PUSH = "push"
"""The kind of run that sends the rows of the outbox."""
SHOWN = {DOWNLOAD: FILES, SYNC_FILES: SERVICE, MIRROR: COPIES, PUSH: ROWS}
"""Kind → the counters that its summary has."""
PARTIAL = (StoppedEarly, CensusDoubted)
"""Errors that end a run before its plan is done, although nothing is wrong."""


def new_run_id() -> UUID:
    """Makes a UUID version 7 (https://www.rfc-editor.org/rfc/rfc9562): later ids are greater."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    high, low = random >> 68, random & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)


@dataclass(frozen=True)
class Result:
    """The result of a run.

    `status`: running, ok, partial or failed. `error`: the error that ended the run early, if any. A run with status ok
    has one if it was asked to stop when its plan was done already.
    """

    kind: str
    run_id: UUID = field(default_factory=new_run_id)
    status: str = "running"
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None
    counts: Counts = NONE
    error: Exception | None = None

    def ended(self, error: Exception | None, counts: Counts | None = None) -> Self:
        """The result of a run that ends now, with `error` if it ends early."""
        status = "ok" if error is None else "partial" if isinstance(error, PARTIAL) else "failed"
        return replace(self, status=status, finished_at=datetime.now(UTC), counts=counts or self.counts, error=error)

    @property
    def message(self) -> str | None:
        """Why the run did not end well, as PostgreSQL can store it."""
        if self.status == "ok" or self.error is None:
            return None
        return _storable(str(self.error)) or type(self.error).__name__

    @property
    def error_type(self) -> str | None:
        """The kind of the error in `message`, if it is one of `pyrus_etl.errors`."""
        return type(self.error).__name__ if self.message and isinstance(self.error, PyrusEtlError) else None

    @property
    def exit_code(self) -> int:
        """The exit code of a program that ends with this result; see `pyrus_etl.errors`."""
        code = self.error.exit_code if isinstance(self.error, PyrusEtlError) else 0
        counts = self.counts
        is_incomplete = counts.tasks_failed or counts.forms_lost or counts.files_not_stored or counts.projects_failed
        is_incomplete = is_incomplete or counts.rows_not_sent
        return code or (SET_ASIDE if is_incomplete else 0)

    def summary(self) -> Iterator[str]:
        """What is printed of the counts."""
        return self.counts.summary(SHOWN.get(self.kind, TASKS))

    def as_row(self) -> dict[str, Any]:
        """Returns the columns of sync_runs that an ended run fills, without its counts."""
        return {
            "kind": self.kind,
            "status": self.status,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "error": self.message,
            "error_type": self.error_type,
        }

    def as_json(self) -> dict[str, Any]:
        """Returns plain values, in the order in which people read them."""
        return {
            "run_id": str(self.run_id),
            "kind": self.kind,
            "status": self.status,
            "started_at": _iso(self.started_at),
            "finished_at": _iso(self.finished_at),
            **self.counts.as_columns(),
            "error": self.message,
            "exit_code": self.exit_code,
        }


def _storable(text: str) -> str:
    """Replaces what PostgreSQL cannot store: U+0000, and surrogates from environment bytes that are not UTF-8."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z") if instant else None
