"""What follows a run: the first views of forms; if `sync` is asked to, a reconcile that is due, and a refresh."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import click

from pyrus_etl.cli.reports.reports import show_refreshed
from pyrus_etl.cli.runs.running import Further, Ran, RunOptions, Then, carried_out, each_carried_out, show
from pyrus_etl.cli.runs.side_by_side import worst
from pyrus_etl.cli.terminal.output import summary
from pyrus_etl.errors import PyrusEtlError, Stopped
from pyrus_etl.extract.apis import access_of
from pyrus_etl.load.operation.due import LEAST_BETWEEN_CENSUSES, census_is_due
from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports import materialized
from pyrus_etl.reports.refresh import Refreshed, make_first_views, refresh_if_due
from pyrus_etl.schema.metadata import REPORT_SCHEMA
from pyrus_etl.settings import Settings
from pyrus_etl.sync.plans.reconcile import reconcile
from pyrus_etl.sync.result import Result

log = logging.getLogger(__name__)


def further(*, refreshes: bool = False, reconcile_every: timedelta | None = None) -> Then:
    """What a sync or a backfill is to do after its run."""
    return partial(_further, refreshes=refreshes, reconcile_every=reconcile_every)


def _further(ran: Sequence[Ran], options: RunOptions, *, refreshes: bool, reconcile_every: timedelta | None) -> Further:
    """Reconciles each account whose sync is complete and whose census is due; then refreshes the reports.

    Not if a run was stopped, or all failed. After the first complete run, makes the views of forms and catalogs in any
    case.
    """
    of_each: list[dict[str, Any]] = [{} for _ in ran]
    runs, code, settings = [one.result for one in ran], 0, ran[0].settings
    if reconcile_every and (complete := [one for one in ran if _is_complete(one.result)]):
        try:
            censuses = _censuses(complete, options, reconcile_every)
        except PyrusEtlError as error:
            return Further({}, _failed(error), [{"reconcile": None} for _ in ran])
        shown = {one.account: {"reconcile": None} for one in complete} | {
            one.account: {"reconcile": one.result.as_json()} for one in censuses
        }
        of_each = [shown.get(one.account, {}) for one in ran]
        runs += [one.result for one in censuses]
        code = worst([one.result.exit_code for one in censuses])
    may_refresh = not any(isinstance(run.error, Stopped) for run in runs) and _has_succeeded(ran, runs)
    if refreshes and may_refresh:
        try:
            refreshed = _refresh(settings, options, runs)
        except PyrusEtlError as error:
            return Further({"refreshed": None}, code or _failed(error), of_each)
        return Further({"refreshed": refreshed._asdict() if refreshed else None}, code, of_each)
    if not refreshes and any(map(_is_complete, runs)) and (made := _make_first_views(settings, options)):
        return Further({"refreshed": made._asdict()}, code, of_each)
    return Further({}, code, of_each)


def _has_succeeded(ran: Sequence[Ran], runs: Sequence[Result]) -> bool:
    """Whether no run failed; of several accounts, whether one did not."""
    return (any if len(ran) > 1 else all)(run.status != "failed" for run in runs)


def _is_complete(run: Result) -> bool:
    return run.status == "ok" and run.error is None


def _censuses(ran: Sequence[Ran], options: RunOptions, every: timedelta) -> list[Ran]:
    """Takes the censuses that are due, side by side."""
    due = [one for one in ran if _is_due(one.settings, every)]
    if len(due) > 1:
        results = each_carried_out(reconcile(), [one.settings for one in due], options)
    else:
        results = [carried_out(reconcile(), one.settings, options) for one in due]
    censuses = [one._replace(result=result) for one, result in zip(due, results, strict=True)]
    for census in censuses:
        show(census.result, options, census.account)
    return censuses


def _is_due(settings: Settings, every: timedelta) -> bool:
    assert settings.database_url is not None
    at_least = min(every, LEAST_BETWEEN_CENSUSES).total_seconds()
    with connect(settings.database_url, settings.waits.connect_database) as connection:
        return census_is_due(connection, access_of(settings).login, every.total_seconds(), at_least)


def _refresh(settings: Settings, options: RunOptions, runs: Sequence[Result]) -> Refreshed | None:
    assert settings.database_url is not None
    with connect(settings.database_url, settings.waits.connect_database) as connection:
        rows_changed = any(map(_has_changed_rows, runs)) or materialized.are_outdated(connection)
        refreshed = refresh_if_due(connection, rows_changed=rows_changed, locks=settings.waits.locks)
    if refreshed and not options.as_json and not options.is_quiet:
        with summary():
            show_refreshed(refreshed)
    return refreshed


def _make_first_views(settings: Settings, options: RunOptions) -> Refreshed | None:
    """Makes the views of forms and catalogs if there are none. If that fails, it only says so: the rows are stored."""
    assert settings.database_url is not None
    try:
        with connect(settings.database_url, settings.waits.connect_database) as connection:
            made = make_first_views(connection, settings.waits.locks)
    except PyrusEtlError as error:
        log.info("no views of forms and catalogs yet: %s", error)
        return None
    if made and not options.as_json and not options.is_quiet:
        with summary():
            views = f"{len(made.views)} view{'s' * (len(made.views) != 1)}"
            click.echo(f"Reports: {REPORT_SCHEMA} now has {views} of forms and catalogs; see docs/reports.md.")
    return made


def _has_changed_rows(run: Result) -> bool:
    return run.counts.tasks_changed + run.counts.tasks_deleted > 0


def _failed(error: PyrusEtlError) -> int:
    click.echo(f"pyrus-etl: {error}", err=True)
    return error.exit_code
