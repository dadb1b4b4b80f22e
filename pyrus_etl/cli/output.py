"""What people and programs read: results on stdout, log lines and progress on stderr."""

import logging
import sys
from datetime import UTC, datetime
from typing import IO, Any

import click
import msgspec

from pyrus_etl.sync.report import Report


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
    """One line of UTF-8, whatever the terminal speaks."""
    click.echo(msgspec.json.encode(value))


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
