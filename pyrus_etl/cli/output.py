"""What people and programs read: results on stdout, log lines and progress on stderr."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any

import click
import msgspec

from pyrus_etl.sync.report import Progress, Report

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0


class _StderrHandler(logging.StreamHandler[IO[str]]):
    """Writes to whatever stderr is at the moment, so that a progress bar can keep log lines above itself."""

    @property
    def stream(self) -> IO[str]:
        return sys.stderr

    @stream.setter
    def stream(self, value: IO[str]) -> None:
        pass


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def set_up_logging(level: str, form: str) -> None:
    """Log lines go to stderr, ours from `level` on, those of libraries where they warn."""
    handler = _StderrHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    handler.setFormatter(_JsonFormatter() if form == "json" else text)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("pyrus_etl").setLevel(level)


def print_json(value: dict[str, Any]) -> None:
    click.echo(msgspec.json.encode(value).decode())


def print_report(report: Report) -> None:
    """A run in a few lines."""
    counts = report.counts
    seconds = ((report.finished_at or datetime.now(UTC)) - report.started_at).total_seconds()
    click.echo(
        f"{report.kind} {report.status} in {seconds:.1f} s, {counts.requests} requests, {counts.retries} retries"
    )
    click.echo(
        f"  {counts.tasks_listed} listed, {counts.tasks_fetched} fetched: {counts.tasks_changed} changed, "
        f"{counts.tasks_unchanged} unchanged, {counts.tasks_deleted} deleted, {counts.tasks_failed} set aside"
    )
    if counts.values_unreadable:
        click.echo(f"  {counts.values_unreadable} values could not be read: null here, whole in pyrus.raw_tasks")
    if counts.tasks_failed:
        click.echo("  see what was set aside with: pyrus-etl errors list")


@contextmanager
def progress_shown(title: str, progress: Progress) -> Iterator[None]:
    """Shows how far a run is: a bar on a terminal, elsewhere a log line now and then."""
    ended = threading.Event()
    watch = _bar if sys.stderr.isatty() else _lines
    watcher = threading.Thread(target=watch, args=(title, progress, ended), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _lines(title: str, progress: Progress, ended: threading.Event) -> None:
    while not ended.wait(SECONDS_BETWEEN_LINES):
        log.info("%s: %d of %d tasks", title, progress.tasks_done, progress.tasks_expected)


def _bar(title: str, progress: Progress, ended: threading.Event) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    rate = TextColumn("{task.speed:.0f}/s" if progress.tasks_done else "")
    columns = [SpinnerColumn(), TextColumn(title), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn()]
    with Bar(*columns, console=Console(stderr=True), transient=False) as bar:
        shown = bar.add_task(title, total=None)
        while not ended.wait(0.1):
            bar.update(shown, completed=progress.tasks_done, total=progress.tasks_expected or None)
        bar.update(shown, completed=progress.tasks_done, total=progress.tasks_done or 1)
