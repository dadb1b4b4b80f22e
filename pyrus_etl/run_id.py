"""The run that is under way, and its account if there are several: log lines name them.

Threads of `background` know them too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

_current: ContextVar[UUID | None] = ContextVar("run_id", default=None)

_account: ContextVar[str | None] = ContextVar("account", default=None)


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


def current_account() -> str | None:
    """The name of the account to which this task or thread belongs; None if there is only one."""
    return _account.get()


@contextmanager
def of_account(name: str | None) -> Iterator[None]:
    """Everything that is done or begun in the block belongs to the account."""
    before = _account.set(name)
    try:
        yield
    finally:
        _account.reset(before)
