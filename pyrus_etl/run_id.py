"""The id of the run that is under way, which log lines in JSON name. Threads of `background` know it too."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

_current: ContextVar[UUID | None] = ContextVar("run_id", default=None)


def current_run() -> UUID | None:
    """The run to which this task or thread belongs."""
    return _current.get()


@contextmanager
def under_way(run_id: UUID) -> Iterator[None]:
    """Everything that is done or begun in the block belongs to the run."""
    before = _current.set(run_id)
    try:
        yield
    finally:
        _current.reset(before)
