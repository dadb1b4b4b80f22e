"""Options that several commands share, and the settings that come of them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from pyrus_etl.cli.output import set_up_logging
from pyrus_etl.settings import LOG_FORMATS, LOG_LEVELS, Secret, Settings, load_settings

log = logging.getLogger(__name__)

Command = TypeVar("Command", bound=Callable[..., Any])

_SETTINGS = {
    "config": "Config file; else PYRUS_ETL_CONFIG, else ./config/pyrus_etl.toml where there is one.",
    "url": "Origin of the API.  [PYRUS_URL; https://pyrus.com]",
    "login": "Who reads: the e-mail of a person or bot.  [PYRUS_LOGIN]",
    "client-id": "Id of the registered application.  [PYRUS_CLIENT_ID]",
    "concurrency": "Requests in flight.  [PYRUS_ETL_CONCURRENCY; 16]",
    "quota": "Requests per period.  [PYRUS_ETL_QUOTA; 5000/600s]",
    "overlap": "Least overlap of two incremental runs.  [PYRUS_ETL_OVERLAP; 30m]",
    "log-level": f"{', '.join(LOG_LEVELS)}.  [PYRUS_ETL_LOG_LEVEL; INFO]",
    "log-format": f"{' or '.join(LOG_FORMATS)}.  [PYRUS_ETL_LOG_FORMAT; text]",
}


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Gives a command the settings of these names as options (all of them, if none is named)."""

    def decorate(command: Command) -> Command:
        for name in reversed(names or tuple(_SETTINGS)):
            metavar = "FILE" if name == "config" else "TEXT"
            command = click.option(
                f"--{name}", help=_SETTINGS[name], metavar=metavar, expose_value=False, callback=_remember
            )(command)
        return command

    return decorate


def _remember(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.find_root().ensure_object(dict)[parameter.name] = value


DATABASE_SETTINGS = ("config", "log-level", "log-format")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")


def settings() -> Settings:
    """The settings in force for the command that runs; sets up logging by them, and logs their warnings."""
    options = dict(click.get_current_context().find_root().ensure_object(dict))
    found = load_settings(options, config_file=options.pop("config", None))
    set_up_logging(found.log_level, found.log_format)
    for warning in found.warnings:
        log.warning("%s", warning)
    return found


@contextmanager
def database(found: Settings, port: int | None = None) -> Iterator[Secret]:
    """The database of the settings; the embedded one is started for the block, its schema and reports brought up.

    With `port` the embedded one listens there on 127.0.0.1 too.
    """
    if found.database_url:
        from pyrus_etl.postgres.conninfo import keep_host

        keep_host(found.database_url)
        yield found.database_url
        return
    from pyrus_etl.load import rebuild
    from pyrus_etl.postgres.connection import connect
    from pyrus_etl.postgres.embedded import serving
    from pyrus_etl.postgres.revision import is_known, revision
    from pyrus_etl.reports.standing import are_of_this_version
    from pyrus_etl.schema.metadata import REVISION

    with serving(port=port) as url:
        with connect(url) as connection:
            at = revision(connection)
            stale = is_known(at) and (at != REVISION or not are_of_this_version(connection))
        if stale:
            from pyrus_etl.reports.migrate import upgrade

            upgrade(url)
            with connect(url) as connection:
                if advice := rebuild.advice(connection):
                    log.warning("the embedded database is upgraded; %s", advice)
        yield url
