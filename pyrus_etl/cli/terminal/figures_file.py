"""`--metrics FILE`: the figures of `/metrics` in a file, for the textfile collector of node_exporter.

https://github.com/prometheus/node_exporter#textfile-collector: a file `*.prom`, renamed into its folder.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pyrus_etl.cli.terminal.whole_file import write_whole
from pyrus_etl.errors import PyrusEtlError, SettingsError
from pyrus_etl.extract.apis import quotas
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.locks import waiting_briefly
from pyrus_etl.settings import Settings

log = logging.getLogger(__name__)

Command = TypeVar("Command", bound=Callable[..., Any])


def figures_file_option(command: Command) -> Command:
    """Adds --metrics to a command, which gets it as its `figures`."""
    return click.option(
        "--metrics",
        "figures",
        metavar="FILE",
        type=click.Path(path_type=Path),
        callback=_in_a_folder,
        help="Write the figures for Prometheus to this file, such as /var/lib/node_exporter/pyrus_etl.prom.",
    )(command)


def _in_a_folder(_: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    if file is not None and not file.resolve().parent.is_dir():
        raise SettingsError(
            f"--metrics: the folder {file.resolve().parent} is missing; create it, or name another file."
        )
    return file


def write_figures(file: Path, settings: Settings) -> None:
    """Writes the figures. The work is done by then, so if they cannot be written, it only logs a warning."""
    from pyrus_etl.serve.metrics import metrics  # prometheus-client is slow to import

    assert settings.database_url is not None
    try:
        with connect(settings.database_url, settings.waits.connect_database) as connection, waiting_briefly(connection):
            found = metrics(connection, quotas(settings))
        write_whole(file, found, "--metrics")
    except PyrusEtlError as error:
        log.warning("the figures were not written: %s", error)
