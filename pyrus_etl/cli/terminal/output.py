"""Prints results to stdout, and log lines and progress to stderr."""

import json
import logging
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any

import click
import msgspec

from pyrus_etl.cli.terminal import streams
from pyrus_etl.errors import SET_ASIDE, PyrusEtlError
from pyrus_etl.run_id import current_account, current_run
from pyrus_etl.sync.result import DOWNLOAD, MIRROR, SYNC_FILES, Result

log = logging.getLogger(__name__)

MOST_HELD_BACK = 200
NAMES = {DOWNLOAD: "attachments download", SYNC_FILES: "files sync", MIRROR: "files mirror"}
"""Kind of run → the command, if it has another name."""


class _StderrHandler(logging.StreamHandler[IO[str]]):
    """Writes to the current `sys.stderr`, which a progress bar replaces to keep log lines above itself."""

    @property
    def stream(self) -> IO[str]:
        return sys.stderr

    @stream.setter
    def stream(self, value: IO[str]) -> None:
        pass


class _TextFormatter(logging.Formatter):
    """Names the account, if there are several."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- its name in the base class
        if account := current_account():
            record.message = f"{account}: {record.message}"
        return super().formatMessage(record)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if run_id := current_run():
            line["run_id"] = str(run_id)
        if account := current_account():
            line["account"] = account
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _json(line).decode()


class _HeldBack(logging.Handler):
    """Holds back the last warnings until something is wrong; errors go on at once."""

    def __init__(self, target: logging.Handler) -> None:
        super().__init__(logging.WARNING)
        self._target = target
        self._held: deque[logging.LogRecord] = deque(maxlen=MOST_HELD_BACK)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.ERROR:
            self._held.append(record)
        else:
            self._target.handle(record)

    def show(self) -> None:
        while self._held:
            self._target.handle(self._held.popleft())


def set_up_logging(level: str, log_format: str, *, quiet: bool = False) -> None:
    """Logs to stderr: our own messages from `level` on, those of libraries from WARNING on.

    `quiet`: see `show_held_back`.
    """
    handler: logging.Handler = _StderrHandler()
    text = _TextFormatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    handler.setFormatter(_JsonFormatter() if log_format == "json" else text)
    handler = _HeldBack(handler) if quiet else handler
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("pyrus_etl").setLevel(level)


def show_held_back() -> None:
    """Shows the warnings that --quiet has held back, because something is wrong."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _HeldBack):
            handler.show()


def print_json(value: dict[str, Any]) -> None:
    """Prints one line of JSON in UTF-8, whatever the encoding of the terminal; exit_code is 0 unless `value` has it."""
    click.echo(_json({**value, "exit_code": value.get("exit_code", 0)}))


def ended(error: PyrusEtlError | None) -> dict[str, Any]:
    """How a command ended, for its object in JSON."""
    return {"error": str(error), "exit_code": error.exit_code} if error else {"exit_code": 0}


def _json(value: dict[str, Any]) -> bytes:
    """Encodes JSON in UTF-8. Lone surrogates, as in the name of a file that is not UTF-8, become \\u escapes."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(value, str_keys=True)
        return json.dumps(plain, default=str).encode()


@contextmanager
def summary() -> Iterator[None]:
    """For printing what a command has done. The work is done by then, so an error of stdout is only a warning."""
    yield
    if failure := streams.take_failure():
        log.warning("the summary could not be written to stdout: %s", failure.strerror)


def print_result(result: Result, account: str | None = None) -> None:
    """Prints the result of a run in a few lines; names its account if there are several."""
    seconds = ((result.finished_at or datetime.now(UTC)) - result.started_at).total_seconds()
    status = "incomplete" if result.exit_code == SET_ASIDE else result.status
    name = f"{account}: " if account else ""
    click.echo(f"{name}{NAMES.get(result.kind, result.kind)} {status} in {seconds:.1f} s")
    for line in result.summary():
        click.echo(f"  {line}")
