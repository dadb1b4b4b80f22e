"""Which tasks of a register are open: a row of the register does not say it, so the open ones are listed too."""

from collections.abc import Sequence


class Opened:
    """The open tasks of a register, read from id to id beside the pages of all tasks.

    Pages and open tasks are read by turns. So a run that is stopped has stored what it has read, and the next run goes
    on after it, however few requests each may send. `ids`: the open tasks of the page in hand and after it, as far as
    they are known: up to `known_to`, or to the end of the register.
    """

    def __init__(self, after: int) -> None:
        self.ids: frozenset[int] = frozenset()
        self.known_to = after
        self._is_complete = False

    def reaches(self, task_id: int) -> bool:
        """Whether it is known of all tasks up to this one whether they are open."""
        return self._is_complete or task_id <= self.known_to

    def begin_page(self, after: int) -> None:
        """Forgets the tasks of the pages before."""
        self.ids = frozenset(task_id for task_id in self.ids if task_id > after)

    def note(self, task_ids: Sequence[int], *, is_complete: bool) -> None:
        """Notes the open tasks that follow. `is_complete`: no open task comes after them."""
        self.ids |= frozenset(task_ids)
        self.known_to = max([self.known_to, *task_ids])
        self._is_complete = is_complete
