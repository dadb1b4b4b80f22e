"""`report`: the reports as one page."""

import contextlib
from pathlib import Path

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, database, settings, with_settings
from pyrus_etl.cli.output import summary
from pyrus_etl.errors import SettingsError
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.reports.page.assemble import page
from pyrus_etl.reports.page.figures import figures


@click.command()
@click.option("--html", "file", metavar="FILE", required=True, help="The file to write; replaced if it is there.")
@with_settings(*DATABASE_SETTINGS)
def report(file: str) -> None:
    """Writes the reports as one page that needs nothing beside itself: charts, tables, filters.

    It can be mailed, put on a share or opened where there is no network. The database role needs to read the schema
    pyrus_report only (pyrus-etl db grant).

    \b
    Example:  pyrus-etl report --html pyrus.html
    """
    path = Path(file)
    with database(settings()) as url, connect(url) as connection:
        size = write(connection, path)
    with summary():
        click.echo(f"The page is in {path} ({size / 1e6:.1f} MB); open it in a browser.")


def write(connection: Connection, path: Path) -> int:
    """Writes the page whole or not at all, and returns its bytes; SettingsError where the file cannot be written."""
    made = page(figures(connection)).encode()
    target = path.resolve()
    draft = target.with_name(f".{target.name}.part")
    try:
        if target.exists() and not target.is_file():  # a device or a pipe is written to, never replaced
            return target.write_bytes(made)
        draft.write_bytes(made)
        draft.replace(target)
        return len(made)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise SettingsError(f"--html: {path} cannot be written: {error.strerror}. Name another file.") from error
