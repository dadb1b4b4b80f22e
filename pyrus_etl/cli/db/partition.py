"""`db partition`: for databases with tens of millions of tasks."""

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, read_settings, with_settings
from pyrus_etl.errors import SettingsError
from pyrus_etl.reports.upgrade.partition import MOST, partition, tables
from pyrus_etl.schema.metadata import PARTITIONS
from pyrus_etl.sync.database import open_database


@click.command(name="partition")
@click.option(
    "--into", "parts", type=click.IntRange(2, MOST), default=32, show_default=True, help="Partitions of a table."
)
@click.option("--yes", is_flag=True, help="Confirm that everybody waits while the rows are copied.")
@with_settings(*DATABASE_SETTINGS)
def partition_command(parts: int, yes: bool) -> None:
    """Partition the tables about tasks by hash of the task: worth it from some ten million tasks on.

    It copies every row in one transaction, so it needs as much free space again, and runs and readers wait. Tables,
    views and rights stay as they are; the partitions are in a schema of their own. docs/scale.md says more.

    \b
    Example:  pyrus-etl db partition --into 32 --yes
    """
    settings = read_settings()
    if not yes:
        raise SettingsError("db partition copies every row, and everybody waits meanwhile; add --yes to do it.")
    with open_database(settings) as url:
        partition(url, parts, settings.waits.locks)
    click.echo(f"{len(tables())} tables have {parts} partitions each, in the schema {PARTITIONS}.")
