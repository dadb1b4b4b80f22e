"""`files sync`: the files of another service, in the table service_files."""

import click

from pyrus_etl.cli.options import json_option, read_settings, with_settings
from pyrus_etl.cli.runs import budget_options, run_plan
from pyrus_etl.extract.file_account import access_of
from pyrus_etl.model.place import ONLYOFFICE, PAYMO
from pyrus_etl.sync.plans.files import sync_files
from pyrus_etl.sync.run import Budget

SETTINGS = ("paymo", "onlyoffice", "database", "log")


@click.command()
@click.argument("service", type=click.Choice([PAYMO, ONLYOFFICE]))
@budget_options
@json_option
@with_settings(*SETTINGS)
def sync(service: str, budget: Budget, as_json: bool) -> int:
    """Read all files of a service into service_files.

    Each run lists all projects. A file that no project lists any more is marked (deleted_at), and its row is kept. An
    unchanged file is not written. If a project is refused, none of its files is marked, and the exit code is 6.

    \b
    Example:  pyrus-etl files sync paymo
    """
    settings = read_settings()
    return run_plan(sync_files(), settings, as_json, budget, access_of(service, settings))
