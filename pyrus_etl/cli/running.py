"""Carries out a plan for a command: shows its progress, prints its result, and keeps quiet if it is asked to."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from pyrus_etl.cli.figures_file import figures_file_option, write_figures
from pyrus_etl.cli.garbage import collect_garbage_less_often
from pyrus_etl.cli.options import json_option, quiet_option
from pyrus_etl.cli.output import print_json, print_result, show_held_back, summary
from pyrus_etl.cli.progress import progress_shown
from pyrus_etl.errors import LockHeld, PyrusEtlError
from pyrus_etl.extract.source import AccountAccess
from pyrus_etl.postgres.folders import data_folder
from pyrus_etl.settings import Settings, parse_duration
from pyrus_etl.sync.database import open_database
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run

log = logging.getLogger(__name__)

Command = Callable[..., int]

SECONDS_BETWEEN_TRIES = 10.0
"""While another run holds the lock; each try asks Pyrus twice."""


class RunOptions(NamedTuple):
    """The options of a command that carries out a plan. `patience`: seconds to wait for another run's lock."""

    budget: Budget = NO_LIMIT
    as_json: bool = False
    is_quiet: bool = False
    figures: Path | None = None
    patience: float = 0.0

    def has_to_show(self, code: int) -> bool:
        """Whether to print what a run says in text; with --quiet, only if something is wrong. A held lock is not."""
        return not self.is_quiet or code not in (0, LockHeld.exit_code)


class Further(NamedTuple):
    """What came after a run: more for its object in JSON, and an exit code."""

    shown: dict[str, Any]
    exit_code: int = 0


Then = Callable[[Result, Settings, RunOptions], Further]


def nothing_further(*_: object) -> Further:
    return Further({})


def run_options(command: Command) -> Command:
    """Adds the options that all runs have to a command, which gets them as its `options`."""

    @click.option(
        "--max-requests", metavar="N", type=click.IntRange(1), help="Stop after N requests; the next run resumes."
    )
    @click.option("--max-time", metavar="DURATION", help="Stop after this time, e.g. 30s or 10m; the next run resumes.")
    @figures_file_option
    @quiet_option
    @json_option
    @wraps(command)
    def with_options(
        max_requests: int | None, max_time: str | None, figures: Path | None, quiet: bool, as_json: bool, **others: Any
    ) -> int:
        seconds = parse_duration(max_time, "--max-time").total_seconds() if max_time else None
        options = RunOptions(Budget(max_requests, seconds), as_json, quiet, figures)
        return command(options=options, **others)

    return with_options


def run_plan(
    plan: Plan,
    settings: Settings,
    options: RunOptions,
    access: AccountAccess | None = None,
    then: Then = nothing_further,
) -> int:
    """Runs a plan and what comes then, shows the progress and prints the results. Returns the exit code."""
    collect_garbage_less_often()
    begun, further = Result(plan.kind), Further({})
    try:
        with opened(settings) as there:
            result = carried_out(plan, there, options, access)
            show(result, options)
            further = then(result, there, options)
            if options.figures:
                write_figures(options.figures, there)
    except PyrusEtlError as error:  # e.g. the embedded database did not start
        result = begun.ended(error)
        show(result, options)
    code = result.exit_code or further.exit_code
    if options.as_json:
        with summary():
            print_json({**result.as_json(), **further.shown, "exit_code": code})
    return code


@contextmanager
def opened(settings: Settings) -> Iterator[Settings]:
    """The settings with the URL of their database, which runs until the block ends."""
    if not settings.database_url:
        log.info("DATABASE_URL is not set; using the embedded PostgreSQL in %s", data_folder())
    with open_database(settings) as url:
        yield replace(settings, database_url=url)


def carried_out(plan: Plan, settings: Settings, options: RunOptions, access: AccountAccess | None = None) -> Result:
    """Runs a plan; again and again while another run holds the lock, if there is patience left."""
    watch = (lambda _: nullcontext()) if options.is_quiet else partial(progress_shown, plan.kind)
    end = time.monotonic() + options.patience
    while True:
        work = run(plan, settings, budget=options.budget, handles_signals=True, watch=watch, access=access)
        result = asyncio.run(work)
        if not isinstance(result.error, LockHeld) or time.monotonic() >= end:
            return result
        log.info("%s; trying again", str(result.error).rstrip("."))
        time.sleep(min(SECONDS_BETWEEN_TRIES, max(0.0, end - time.monotonic())))


def show(result: Result, options: RunOptions) -> None:
    """Prints a result in text: the numbers to stdout, unless they are printed as JSON, and the error to stderr."""
    if not options.has_to_show(result.exit_code):
        return
    show_held_back()
    if result.status != "failed" and not options.as_json:
        with summary():
            print_result(result)
    if result.error is not None:
        click.echo(f"pyrus-etl: {result.error}", err=True)
