"""Upgrades and downgrades of tables and reports, each in one transaction."""

import logging
from typing import NamedTuple

import psycopg
import sqlalchemy
from alembic import command
from alembic.util import CommandError
from psycopg import sql

from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.locks import LOCK_TIMEOUT, cause_of, with_lock_retries
from pyrus_etl.postgres.revision import declared_tables_present, require_known, revision
from pyrus_etl.reports import definitions, materialized, working_time
from pyrus_etl.reports.access import limited, write_back
from pyrus_etl.reports.attached import attached, restore, warn_of_lost
from pyrus_etl.reports.in_the_way import RENAME_STRANGERS, InTheWay, WideViewInTheWay, require_no_strangers, strangers
from pyrus_etl.reports.settings import set_time_zone
from pyrus_etl.reports.upgrade import structure
from pyrus_etl.reports.upgrade.alembic_context import BASE, VERSION_TABLE, config_of, connected, context_of
from pyrus_etl.reports.upgrade.differences import Difference, compared, driver_of
from pyrus_etl.reports.upgrade.repair import repair
from pyrus_etl.schema import SCHEMA, metadata
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Retry, Secret
from pyrus_etl.settings.retry import LOCKS

log = logging.getLogger(__name__)


def upgrade(url: Secret, time_zone: str | None = None, locks: Retry = LOCKS) -> list[str]:
    """Upgrades the tables and the reports in one transaction; safe to repeat.

    Returns, in words, the declared objects that were missing and are recreated. Locks nothing if there is nothing to
    do; else waits for locks a few seconds at a time, so that readers do not queue behind it for long. Views are
    replaced in place, so that the users' own views on them stay. If that is impossible, they are recreated, and
    materialised reports are filled afterwards, in the given time zone of the reports. What users attached stays, or a
    warning names it. Raises DatabaseUnavailable.
    """
    with connect(url) as driver:
        require_known(revision(driver))
    done = _upgraded(url, locks)
    with connect(url) as driver:
        if time_zone:
            set_time_zone(driver, time_zone)
        working_time.compute(driver)
        materialized.populate(driver, locks)
    if done.found:  # a comparison takes half a second, so there is no second one after a first without differences
        _require_repairable([each for each in differences(url) if each.is_lasting])
    return done.made


def _upgraded(url: Secret, locks: Retry) -> "_Upgraded":
    """Upgrades; if that fails because an object of another kind has a name of ours, the error names it."""
    try:
        with connected(url) as connection:
            return _if_up_to_date(connection) or with_lock_retries(lambda: _upgrade(connection), locks)
    except CommandError as error:
        raise DatabaseUnavailable(
            f"{SCHEMA}.{VERSION_TABLE} has unexpected content: {error}; name another database in DATABASE_URL."
        ) from error
    except DatabaseUnavailable as error:
        if not error.is_lost:
            with connect(url) as driver:
                require_no_strangers(driver)
        raise


def _require_repairable(left: list[Difference]) -> None:
    if left:
        what, remedies = "; ".join(each.text for each in left), "; ".join(dict.fromkeys(each.remedy for each in left))
        raise DatabaseUnavailable(f"Part of the schema cannot be repaired: {what}. To continue, {remedies}.")


class _Upgraded(NamedTuple):
    """What was recreated, in words, and the differences that were found before that."""

    made: list[str]
    found: list[Difference]


def _if_up_to_date(connection: sqlalchemy.Connection) -> _Upgraded | None:
    """None if there is something to do."""
    with connection.begin():
        driver = driver_of(connection)
        is_up_to_date = definitions.are_of_this_version(driver) and write_back.is_protected(driver)
        if revision(driver) != REVISION or not is_up_to_date:
            return None
        found = compared(context_of(connection))
        return None if any(difference.repairs for difference in found) else _Upgraded([], found)


def _upgrade(connection: sqlalchemy.Connection) -> _Upgraded:
    with connection.begin():
        driver = driver_of(connection)
        driver.execute(LOCK_TIMEOUT)
        of_users = attached(driver)
        try:
            with connection.begin_nested():
                done = _tables_and_views(connection)
        except (sqlalchemy.exc.DBAPIError, psycopg.Error, WideViewInTheWay) as error:
            if not isinstance(cause_of(error), InTheWay):
                raise
            materialised, of_readers = materialized.columns(driver), limited.drop(driver)
            definitions.drop(driver)
            done = _tables_and_views(connection)
            materialized.create(driver, materialised)
            restore(driver, of_users)
            materialized.index(driver, materialised)
            for limits in of_readers:
                limited.create(driver, limits)
        else:
            restore(driver, of_users)
            limited.renew(driver)
        return done


def _tables_and_views(connection: sqlalchemy.Connection) -> _Upgraded:
    driver = driver_of(connection)
    if revision(driver) is None and declared_tables_present(driver):
        _adopt(connection)
    command.upgrade(config_of(connection), "head")
    context = context_of(connection)
    found = compared(context)
    _require_repairable([each for each in found if each.is_lasting and each.text.startswith("missing")])
    made = repair(context, found)
    definitions.create(driver)
    write_back.protect(driver)
    if not found:
        structure.keep(driver)
    return _Upgraded(made, found)


def _adopt(connection: sqlalchemy.Connection) -> None:
    """Sets the revision of tables that have none but are those of this version, as in a copy of the schema alone."""
    odd = [each.text for each in compared(context_of(connection)) if each.lost or each.is_lasting]
    if odd:
        raise DatabaseUnavailable(
            f"The schema {SCHEMA} has tables without a revision that are not those of this version "
            f"({'; '.join(odd[:3])}{'; …' if odd[3:] else ''}); name another database in DATABASE_URL, or rename or "
            f"drop the schema {SCHEMA}."
        )
    command.stamp(config_of(connection), "head")


def downgrade(url: Secret, to: str, locks: Retry = LOCKS) -> None:
    """Downgrades the tables to a revision, `base` for none. Drops the reports, and newer tables with their rows."""
    with connect(url) as driver:
        require_known(revision(driver))
    with connected(url) as connection:
        try:
            with_lock_retries(lambda: _downgrade(connection, to), locks)
        except CommandError as error:
            raise SettingsError(
                f"There is no revision {to!r} ({error}); name one from 0001 to {REVISION}, or base."
            ) from error


def _downgrade(connection: sqlalchemy.Connection, to: str) -> None:
    with connection.begin():
        driver = driver_of(connection)
        driver.execute(LOCK_TIMEOUT)
        of_users = attached(driver)
        if to != BASE and revision(driver) == REVISION:  # migrations drop the declared objects, so they must exist
            repair(context_of(connection), compared(context_of(connection)))
        limited.drop(driver)
        definitions.drop(driver)
        if to == BASE:
            _drop_tables(connection)
        else:
            command.downgrade(config_of(connection), to)
        warn_of_lost(of_users, attached(driver))


def _drop_tables(connection: sqlalchemy.Connection) -> None:
    """Drops every declared table, in any state of the schema, as a last resort."""
    names = [sql.Identifier(SCHEMA, table.name) for table in metadata.sorted_tables]
    driver_of(connection).execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join(names)))
    command.stamp(config_of(connection), BASE)


def differences(url: Secret) -> list[Difference]:
    """Returns the differences between the database and the declared tables and reports."""
    with connected(url) as connection, connection.begin():
        driver = driver_of(connection)
        in_the_way = [Difference(each, remedy=RENAME_STRANGERS) for each in strangers(driver)]
        others = [*write_back.differences(driver), *definitions.differences(driver)]
        return [*in_the_way, *compared(context_of(connection)), *map(Difference, others)]
