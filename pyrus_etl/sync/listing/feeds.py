"""Which registers and lists a run could read, and what is lost if Pyrus refuses one."""

from pyrus_etl.extract.pages import Feed, Page


class FeedsRead:
    """The feeds that Pyrus refused to this run, and those that it read to their end."""

    def __init__(self) -> None:
        self.refused: set[Feed] = set()
        self.complete: set[Feed] = set()

    def note(self, page: Page) -> None:
        if page.refused:
            self.refused.add(page.refused)
        elif page.reached and page.reached.task_id is None:
            self.complete.add(page.reached.feed)

    @property
    def read(self) -> set[Feed]:
        """Those that it read to their end."""
        return self.complete - self.refused

    def refused_ids(self, kind: str) -> set[int]:
        return {feed.id for feed in self.refused if feed.kind == kind}

    def complete_ids(self, kind: str) -> set[int]:
        return {feed.id for feed in self.read if feed.kind == kind}
