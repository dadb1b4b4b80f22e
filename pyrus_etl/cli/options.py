"""Options that several commands share, and the settings read from them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from pyrus_etl.cli.output import set_up_logging
from pyrus_etl.settings import LOG_FORMATS, LOG_LEVELS, Secret, Settings, load_settings

log = logging.getLogger(__name__)

Command = TypeVar("Command", bound=Callable[..., Any])

_HELP = {
    "config": "Config file to read.  [env: PYRUS_ETL_CONFIG; default: config/pyrus_etl.toml if it exists]",
    "url": "Origin of the API.  [env: PYRUS_URL; default: https://pyrus.com]",
    "login": "E-mail of the person or bot to log in as.  [env: PYRUS_LOGIN]",
    "client-id": "Id of the application registered in Pyrus.  [env: PYRUS_CLIENT_ID]",
    "concurrency": "Maximum concurrent requests.  [env: PYRUS_ETL_CONCURRENCY; default: 16]",
    "quota": "Maximum requests per period.  [env: PYRUS_ETL_QUOTA; default: 5000/600s]",
    "overlap": "Minimum overlap of two syncs.  [env: PYRUS_ETL_OVERLAP; default: 30m]",
    "log-level": f"{', '.join(LOG_LEVELS[:-1])} or {LOG_LEVELS[-1]}.  [env: PYRUS_ETL_LOG_LEVEL; default: INFO]",
    "log-format": f"{' or '.join(LOG_FORMATS)}.  [env: PYRUS_ETL_LOG_FORMAT; default: text]",
}


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Adds the named settings to a command as options; all settings if no name is given."""

    def decorate(command: Command) -> Command:
        for name in reversed(names or tuple(_HELP)):
            metavar = "FILE" if name == "config" else "TEXT"
            command = click.option(
                f"--{name}", help=_HELP[name], metavar=metavar, expose_value=False, callback=_remember
            )(command)
        return command

    return decorate


def _remember(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.find_root().ensure_object(dict)[parameter.name] = value


DATABASE_SETTINGS = ("config", "log-level", "log-format")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


def read_settings() -> Settings:
    """Reads the settings of the current command, sets up logging accordingly and logs their warnings."""
    options = dict(click.get_current_context().find_root().ensure_object(dict))
    settings = load_settings(options, config_file=options.pop("config", None))
    set_up_logging(settings.log_level, settings.log_format)
    for warning in settings.warnings:
        log.warning("%s", warning)
    return settings


@contextmanager
def open_database(settings: Settings, port: int | None = None) -> Iterator[Secret]:
    """Yields the URL of the database in the settings.

    Without one, starts the embedded PostgreSQL for the block, and upgrades its schema and reports if another version
    created them. With `port` it also listens there on 127.0.0.1.
    """
    if settings.database_url:
        from pyrus_etl.postgres.conninfo import keep_host

        keep_host(settings.database_url)
        yield settings.database_url
        return
    from pyrus_etl.load import rebuild
    from pyrus_etl.postgres.connection import connect
    from pyrus_etl.postgres.embedded import serving
    from pyrus_etl.postgres.revision import is_known, revision
    from pyrus_etl.reports.standing import are_of_this_version
    from pyrus_etl.schema.metadata import REVISION

    with serving(port=port) as url:
        with connect(url) as connection:
            applied = revision(connection)
            stale = is_known(applied) and (applied != REVISION or not are_of_this_version(connection))
        if stale:
            from pyrus_etl.reports.migrate import upgrade

            upgrade(url)
            with connect(url) as connection:
                if advice := rebuild.advice(connection):
                    log.warning("the embedded database was upgraded, but %s", advice)
        yield url
