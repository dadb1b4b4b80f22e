"""`reports refresh`: updates forms of stored tasks, working time, views of forms and catalogs, materialised reports."""

import logging
from typing import NamedTuple

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.locks import LOCK_TIMEOUT, with_lock_retries
from pyrus_etl.reports import catalog_views, catalogue, materialized, wide, working_time
from pyrus_etl.reports.attached import attached, restore
from pyrus_etl.reports.columns import reserved_words
from pyrus_etl.reports.forms import infer
from pyrus_etl.reports.in_the_way import WideViewInTheWay
from pyrus_etl.reports.settings import require_time_zone
from pyrus_etl.settings import Retry
from pyrus_etl.settings.retry import LOCKS

log = logging.getLogger(__name__)

_DEFINITIONS = """
    SELECT md5(concat(
        (SELECT string_agg(concat_ws('/', form_id, field_id, field_type, in_rows, parent_field_id, position,
                                     removed_at IS NULL, field_name), ' ' ORDER BY form_id, field_id)
         FROM pyrus.form_fields),
        (SELECT string_agg(concat_ws('/', catalog_id, column_no, name), ' ' ORDER BY catalog_id, column_no)
         FROM pyrus.catalog_columns),
        (SELECT string_agg(concat_ws('/', catalog_id, name), ' ' ORDER BY catalog_id) FROM pyrus.catalogs)
    ))
"""
"""Digest of the definitions of all forms and catalogs."""


class Refreshed(NamedTuple):
    """All views of forms and catalogs, the new ones, the new columns by view, and the materialised reports."""

    views: list[str]
    views_made: list[str]
    columns_made: dict[str, list[str]]
    materialized: list[str]


def refresh(connection: Connection, locks: Retry = LOCKS) -> Refreshed:
    """Gives stored tasks their forms, and every form and catalog a view with a column for each field.

    Computes when people work, and refreshes the materialised reports; their readers wait in the meantime. Safe to
    repeat. Waits for locks a few seconds at a time, so that readers do not queue behind it for long. Raises
    DatabaseUnavailable, or SettingsError if a report cannot be materialised.
    """
    require_time_zone(connection)
    with_lock_retries(lambda: _fill(connection), locks)
    try:
        refreshed = with_lock_retries(lambda: _refresh(connection), locks)
    except WideViewInTheWay as error:
        raise DatabaseUnavailable(
            f"The wide view {error.view} cannot be replaced in place: {error.orig.diag.message_primary}; run pyrus-etl "
            "db upgrade, or drop the view if somebody has changed it, and refresh again."
        ) from error
    for view in refreshed.materialized:
        materialized.materialize(connection, view, locks)
    return refreshed


def refresh_if_needed(connection: Connection, *, has_changed_rows: bool, locks: Retry = LOCKS) -> Refreshed | None:
    """Refreshes the reports if there are new fields, or if rows changed since materialised reports were refreshed.

    `has_changed_rows`: a run of the caller's has changed some.
    """
    if catalogue.fields_without_column(connection):
        return refresh(connection, locks)
    views = materialized.present(connection)
    if not views or not (has_changed_rows or materialized.are_outdated(connection, views)):
        return None
    return refresh(connection, locks)


def follow_forms(connection: Connection, before: str | None, locks: Retry = LOCKS) -> str:
    """Refreshes the reports if a form or a catalog has changed; returns what is to be `before` the next time.

    `before`: None refreshes them anyway.
    """
    ((now,),) = connection.execute(_DEFINITIONS).fetchall()
    if now != before:
        refreshed = refresh(connection, locks)
        columns = sum(map(len, refreshed.columns_made.values()))
        log.info("reports: %d views of forms and catalogs, %d new columns", len(refreshed.views), columns)
    return str(now)


def _fill(connection: Connection) -> None:
    with connection.transaction():
        infer(connection)
        working_time.compute(connection)


def _refresh(connection: Connection) -> Refreshed:
    with connection.transaction():
        connection.execute(LOCK_TIMEOUT)
        connection.execute("LOCK TABLE pyrus.report_views IN SHARE ROW EXCLUSIVE MODE")  # one refresh at a time
        before = wide.view_names(connection)
        of_users = attached(connection)
        columns_made = catalogue.fill(connection) | catalog_views.fill(connection, reserved_words(connection))
        wide.create(connection, changed_only=True)
        restore(connection, of_users)
        views = wide.view_names(connection)
    return Refreshed(views, sorted(set(views) - set(before)), columns_made, materialized.present(connection))
