"""`files sync`: the files of another service, in the table service_files."""

import click

from pyrus_etl.cli.options import read_settings, with_settings
from pyrus_etl.cli.runs.running import RunOptions, run_options, run_plan
from pyrus_etl.extract.files.account import access_of
from pyrus_etl.model.place import ONLYOFFICE, PAYMO
from pyrus_etl.sync.plans.files import sync_files

SETTINGS = ("paymo", "onlyoffice", "database", "log")


@click.command()
@click.argument("service", type=click.Choice([PAYMO, ONLYOFFICE]))
@run_options
@with_settings(*SETTINGS)
def sync(service: str, options: RunOptions) -> int:
    """Read all files of a service into service_files.

    Each run lists all projects. A file that no project lists any more is marked (deleted_at), and its row is kept. An
    unchanged file is not written. If a project is refused, none of its files is marked, and the exit code is 6.

    \b
    Example:  pyrus-etl files sync paymo
    """
    settings = read_settings(quiet=options.is_quiet)
    return run_plan(sync_files(), settings, options, access_of(service, settings))
