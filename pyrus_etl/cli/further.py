"""What follows a run: the first views of forms; if `sync` is asked to, a reconcile that is due, and a refresh."""

import logging
from datetime import timedelta
from functools import partial
from typing import Any

import click

from pyrus_etl.cli.output import summary
from pyrus_etl.cli.reports import show_refreshed
from pyrus_etl.cli.running import Further, RunOptions, Then, carried_out, show
from pyrus_etl.errors import PyrusEtlError, Stopped
from pyrus_etl.extract.apis import access_of
from pyrus_etl.load.due import LEAST_BETWEEN_CENSUSES, census_is_due
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


def _further(
    synced: Result, settings: Settings, options: RunOptions, *, refreshes: bool, reconcile_every: timedelta | None
) -> Further:
    """Reconciles if the sync is complete and a census is due; then refreshes the reports, unless it was stopped.

    After the first complete run, makes the views of forms and catalogs in any case.
    """
    shown: dict[str, Any] = {}
    runs, code = [synced], 0
    if reconcile_every and _is_complete(synced):
        try:
            census = _census(settings, options, reconcile_every)
        except PyrusEtlError as error:
            return Further({"reconcile": None}, _failed(error))
        shown["reconcile"] = census.as_json() if census else None
        runs += [census] if census else []
        code = census.exit_code if census else 0
    if refreshes and not any(run.status == "failed" or isinstance(run.error, Stopped) for run in runs):
        try:
            refreshed = _refresh(settings, options, runs)
        except PyrusEtlError as error:
            return Further(shown | {"refreshed": None}, code or _failed(error))
        shown["refreshed"] = refreshed._asdict() if refreshed else None
    elif not refreshes and _is_complete(synced) and (made := _make_first_views(settings, options)):
        shown["refreshed"] = made._asdict()
    return Further(shown, code)


def _is_complete(run: Result) -> bool:
    return run.status == "ok" and run.error is None


def _census(settings: Settings, options: RunOptions, every: timedelta) -> Result | None:
    assert settings.database_url is not None
    at_least = min(every, LEAST_BETWEEN_CENSUSES).total_seconds()
    with connect(settings.database_url, settings.waits.connect_database) as connection:
        if not census_is_due(connection, access_of(settings).login, every.total_seconds(), at_least):
            return None
    census = carried_out(reconcile(), settings, options)
    show(census, options)
    return census


def _refresh(settings: Settings, options: RunOptions, runs: list[Result]) -> Refreshed | None:
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
            click.echo(
                f"Reports: {REPORT_SCHEMA} now has {len(made.views)} views of forms and catalogs; see docs/reports.md."
            )
    return made


def _has_changed_rows(run: Result) -> bool:
    return run.counts.tasks_changed + run.counts.tasks_deleted > 0


def _failed(error: PyrusEtlError) -> int:
    click.echo(f"pyrus-etl: {error}", err=True)
    return error.exit_code
