"""`dbt`: writes the sources of a dbt project."""

from pathlib import Path

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, read_settings, with_settings
from pyrus_etl.cli.terminal.output import summary
from pyrus_etl.cli.terminal.whole_file import write_whole
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.revision import require_schema
from pyrus_etl.reports.dbt import sources
from pyrus_etl.reports.yaml import document
from pyrus_etl.sync.database import open_database

STDOUT = "-"
NAME = "sources.yml"


@click.command()
@click.option(
    "--out",
    metavar="DIR",
    default=".",
    help="Folder of your dbt project for sources.yml, which is replaced if it exists. - is stdout.  [default: .]",
)
@with_settings(*DATABASE_SETTINGS)
def dbt(out: str) -> None:
    """Write sources.yml for dbt: every table and report with its description, keys as tests, and freshness.

    Run it again when reports refresh has made new views or columns. It needs dbt 1.11 or newer.

    \b
    Examples:  pyrus-etl dbt --out models/pyrus
               pyrus-etl dbt --out - | less
    """
    settings = read_settings()
    with open_database(settings) as url, connect(url) as connection:
        require_schema(connection)
        found = sources(connection, settings.stale_after)
    text = document(found).encode()
    if out == STDOUT:
        click.echo(text, nl=False)
        return
    write_whole(Path(out) / NAME, text, "--out")
    with summary():
        tables = sum(len(source["tables"]) for source in found["sources"])
        click.echo(f"The sources are in {Path(out) / NAME}: {tables} tables and views.")
