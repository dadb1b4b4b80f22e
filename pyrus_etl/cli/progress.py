"""How far a run is, on stderr: a bar on a terminal, elsewhere a log line now and then."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyrus_etl.sync.result import Progress

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress_shown(title: str, progress: Progress) -> Iterator[None]:
    """Shows the progress for as long as the block lasts."""
    ended = threading.Event()
    show = _bar if sys.stderr.isatty() else _lines
    watcher = threading.Thread(target=show, args=(title, progress, ended), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _lines(title: str, progress: Progress, ended: threading.Event) -> None:
    while not ended.wait(SECONDS_BETWEEN_LINES):
        log.info("%s: %s", title, progress)


def _bar(title: str, progress: Progress, ended: threading.Event) -> None:
    from pyrus_etl.cli.bar import bar  # what it draws with takes a while to load, and cron has no terminal

    bar(title, progress, ended)
