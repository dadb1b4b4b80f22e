"""The narrowing of a list of tasks that is longer than its answer: by the date of the last change, then of creation."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pyrus_etl.extract.v4.wire.moments import moment
from pyrus_etl.extract.v4.wire.read import Listed
from pyrus_etl.model.window import EVERYTHING, Window


class Span(NamedTuple):
    """A part of a list: the tasks that last changed in one window and were created in another."""

    modified: Window = EVERYTHING
    created: Window = EVERYTHING

    @property
    def parameters(self) -> dict[str, str]:
        """The bounds, both inclusive: https://pyrus.com/en/help/api/lists."""
        bounds = {
            "modified_after": self.modified.start,
            "modified_before": self.modified.end,
            "created_after": self.created.start,
            "created_before": self.created.end,
        }
        return {name: moment(second) for name, second in bounds.items() if second is not None}

    def is_ignored_in(self, listed: Listed) -> bool:
        """Whether a list for this span has only tasks of other periods."""
        start, end = self.modified.bounds
        dates = [int(header.modified_date.timestamp()) for header in listed.headers if header.modified_date]
        return bool(dates) and all(not start <= date <= end for date in dates)

    def halves(self, listed: Listed) -> tuple["Span", ...]:
        """Two spans in place of this one, which is too full; none if it is a single second of creation.

        Neighbours share a second, in case dates have fractions. `listed`: some of its tasks; the median of their dates
        is where it is split.
        """
        if self.modified.seconds > 1:
            halves = _halves(self.modified, [header.modified_date for header in listed.headers])
            return tuple(self._replace(modified=half) for half in halves)
        if self.created.seconds > 1:
            halves = _halves(self.created, [task.create_date or None for task in listed.tasks()])
            return tuple(self._replace(created=half) for half in halves)
        if self.created.seconds == 1:
            return tuple(self._replace(created=Window(second, second)) for second in self.created.bounds)
        return ()


def _halves(window: Window, dates: Sequence[datetime | None]) -> tuple[Window, Window]:
    """Splits a window of at least two seconds at the median date, or in the middle if no date lies inside."""
    start, end = window.bounds
    inside = sorted(second for date in dates if date and start < (second := int(date.timestamp())) < end)
    middle = inside[len(inside) // 2] if inside else (start + end) // 2
    return Window(window.start, middle), Window(middle, window.end)
