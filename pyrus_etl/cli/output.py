"""What people and programs read: results on stdout, log lines and progress on stderr."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any

import click
import msgspec

from pyrus_etl.cli import streams
from pyrus_etl.sync.result import Report

log = logging.getLogger(__name__)


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
        return _json(line).decode()


def set_up_logging(level: str, form: str) -> None:
    """Log lines go to stderr, ours from `level` on, those of libraries where they warn."""
    handler = _StderrHandler()
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    handler.setFormatter(_JsonFormatter() if form == "json" else text)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("pyrus_etl").setLevel(level)


def print_json(value: dict[str, Any]) -> None:
    """One line of UTF-8, whatever the terminal speaks."""
    click.echo(_json(value))


def _json(value: dict[str, Any]) -> bytes:
    """JSON in UTF-8, which cannot hold half a character: a name of a file that is not UTF-8 shows its bytes."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(value, str_keys=True)
        return json.dumps(plain, default=str).encode()


@contextmanager
def summary() -> Iterator[None]:
    """Prints what a command has done. The work is done even if nobody can read of it, so that is only a warning."""
    yield
    if failure := streams.take_failure():
        log.warning("the summary of the work could not be written to stdout: %s", failure.strerror)


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
