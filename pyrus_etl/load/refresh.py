"""`reports refresh`: the forms of stored tasks, and the wide views brought up to the fields that were met."""

from typing import NamedTuple

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.load import catalogue, wide
from pyrus_etl.load.connection import Connection
from pyrus_etl.load.forms import infer
from pyrus_etl.load.migrate import patiently
from pyrus_etl.load.views import InTheWay


class Refreshed(NamedTuple):
    """All wide views, those of them that are new, and the new columns by view."""

    views: list[str]
    views_made: list[str]
    columns_made: dict[str, list[str]]


def refresh(connection: Connection) -> Refreshed:
    """Gives stored tasks their forms, and every form a wide view with a column for each of its fields.

    Safe to repeat. Waits for locks a few seconds at a time, so that readers do not queue behind it for long. Raises
    DatabaseUnavailable.
    """
    patiently(lambda: _infer(connection))
    try:
        refreshed: Refreshed = patiently(lambda: _refresh(connection))
    except InTheWay as error:
        said = error.diag.message_primary
        raise DatabaseUnavailable(
            f"A wide view cannot be changed in its place: {said}; run pyrus-etl db upgrade."
        ) from error
    return refreshed


def _infer(connection: Connection) -> None:
    with connection.transaction():
        infer(connection)


def _refresh(connection: Connection) -> Refreshed:
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '3s'")
        connection.execute("LOCK TABLE pyrus.report_views IN SHARE ROW EXCLUSIVE MODE")  # one refresh at a time
        before = wide.remembered(connection)
        columns_made = catalogue.fill(connection)
        wide.create(connection)
        views = wide.remembered(connection)
    return Refreshed(views, sorted(set(views) - set(before)), columns_made)
