"""`reports refresh`: updates forms of stored tasks, working time, views of forms and catalogs, materialised reports."""

from typing import LiteralString, NamedTuple

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.locks import LOCK_TIMEOUT, with_lock_retries
from pyrus_etl.reports import materialized, working_time
from pyrus_etl.reports.access import limited
from pyrus_etl.reports.attached import attached, restore
from pyrus_etl.reports.forms import infer
from pyrus_etl.reports.in_the_way import WideViewInTheWay
from pyrus_etl.reports.settings import require_time_zone
from pyrus_etl.reports.wide_views import catalog_views, catalogue, wide
from pyrus_etl.reports.wide_views.columns import reserved_words
from pyrus_etl.schema.metadata import REPORT_SCHEMA
from pyrus_etl.settings import Retry
from pyrus_etl.settings.retry import LOCKS

_DEFINITIONS: LiteralString = """
    md5(concat(
        (SELECT string_agg(concat_ws('/', form_id, field_id, field_type, in_rows, parent_field_id, position,
                                     removed_at IS NULL, field_name), ' ' ORDER BY form_id, field_id)
         FROM pyrus.form_fields),
        (SELECT string_agg(concat_ws('/', catalog_id, column_no, name), ' ' ORDER BY catalog_id, column_no)
         FROM pyrus.catalog_columns),
        (SELECT string_agg(concat_ws('/', form_id, name), ' ' ORDER BY form_id) FROM pyrus.forms),
        (SELECT string_agg(concat_ws('/', catalog_id, name), ' ' ORDER BY catalog_id) FROM pyrus.catalogs)
    ))
"""
"""Digest of the definitions of all forms and catalogs."""
_HAVE_CHANGED: LiteralString = f"""
    SELECT views_follow IS DISTINCT FROM {_DEFINITIONS} FROM pyrus.report_settings
"""  # noqa: S608 -- constants
_FOLLOW: LiteralString = f"UPDATE pyrus.report_settings SET views_follow = {_DEFINITIONS}"  # noqa: S608 -- constants
_MAY_MAKE = """
    SELECT has_schema_privilege(%s, 'CREATE') AND has_table_privilege('pyrus.report_views', 'INSERT')
       AND has_table_privilege('pyrus.report_settings', 'UPDATE')
"""


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


def refresh_if_due(
    connection: Connection, *, everything: bool = False, rows_changed: bool = False, locks: Retry = LOCKS
) -> Refreshed | None:
    """Refreshes the reports if a form or a catalog has changed since the last refresh; else returns None.

    `everything`: in any case. `rows_changed`: also if there are materialised reports.
    """
    if everything or _have_changed(connection) or (rows_changed and materialized.present(connection)):
        return refresh(connection, locks)
    return None


def make_first_views(connection: Connection, locks: Retry = LOCKS) -> Refreshed | None:
    """Makes the views of forms and catalogs if there are none yet; returns None if there is nothing to do.

    Raises DatabaseUnavailable, without any change, if the role may not make them.
    """
    if wide.view_names(connection) or not catalogue.fields_without_column(connection):
        return None
    if connection.execute(_MAY_MAKE, [REPORT_SCHEMA]).fetchone() != (True,):
        raise DatabaseUnavailable(
            f"the role {connection.info.user} may not make views in {REPORT_SCHEMA}; run pyrus-etl reports refresh as "
            "the owner of the reports"
        )
    return refresh(connection, locks)


def _have_changed(connection: Connection) -> bool:
    return connection.execute(_HAVE_CHANGED).fetchone() != (False,)


def _fill(connection: Connection) -> None:
    with connection.transaction():
        infer(connection)
        working_time.compute(connection)


def _refresh(connection: Connection) -> Refreshed:
    with connection.transaction():
        connection.execute(LOCK_TIMEOUT)
        connection.execute("LOCK TABLE pyrus.report_views IN SHARE ROW EXCLUSIVE MODE")  # one refresh at a time
        connection.execute(_FOLLOW)  # before the fields are read: what a run adds meanwhile is for the next refresh
        before = wide.view_names(connection)
        of_users = attached(connection)
        columns_made = catalogue.fill(connection) | catalog_views.fill(connection, reserved_words(connection))
        wide.create(connection, changed_only=True)
        restore(connection, of_users)
        limited.renew(connection)
        views = wide.view_names(connection)
    return Refreshed(views, sorted(set(views) - set(before)), columns_made, materialized.present(connection))
