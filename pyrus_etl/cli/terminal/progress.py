"""Shows on stderr how far a run is: a bar on a terminal, or else a log line every few seconds."""

import contextvars
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from pyrus_etl.sync.progress import Progress
from pyrus_etl.sync.run import Watch

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0

WatchFor = Callable[[str], Watch]
"""Makes what watches a run, from the title of its line."""


@contextmanager
def progress_shown(title: str, progress: Progress) -> Iterator[None]:
    """Shows the progress while the block runs."""
    with _watched(_bar if sys.stderr.isatty() else _lines, title, progress):
        yield


@contextmanager
def lines_shown() -> Iterator[WatchFor]:
    """Shows the progress of several runs while the block runs, each in a line of its own: its title makes its watch."""
    if not sys.stderr.isatty():
        yield lambda title: partial(progress_shown, title)
        return
    from pyrus_etl.cli.terminal.bar import display, line

    with display() as shown:
        yield lambda title: partial(_watched, partial(line, shown), title)


@contextmanager
def progress_logged(title: str, progress: Progress) -> Iterator[None]:
    """Logs the progress now and then while the block runs, on a terminal too."""
    with _watched(_lines, title, progress):
        yield


@contextmanager
def _watched(show: Callable[[str, Progress, threading.Event], None], title: str, progress: Progress) -> Iterator[None]:
    ended = threading.Event()
    context = contextvars.copy_context()
    watcher = threading.Thread(target=context.run, args=(show, title, progress, ended), daemon=True)
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
    from pyrus_etl.cli.terminal.bar import bar  # rich is slow to import, and not needed without a terminal

    bar(title, progress, ended)
