"""`report`: writes the reports as one HTML page."""

import contextlib
from pathlib import Path

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, read_settings, with_settings
from pyrus_etl.cli.output import summary
from pyrus_etl.errors import SettingsError
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.reports.page.assemble import page
from pyrus_etl.reports.page.figures import figures
from pyrus_etl.sync.database import open_database


@click.command()
@click.option("--html", "file", metavar="FILE", required=True, help="File to write; replaced if it exists.")
@with_settings(*DATABASE_SETTINGS)
def report(file: str) -> None:
    """Write the reports as one self-contained HTML page: charts, tables, filters.

    You can mail it, put it on a share or open it without a network. The database role only needs to read the schema
    pyrus_report (see pyrus-etl db grant).

    \b
    Example:  pyrus-etl report --html pyrus.html
    """
    path = Path(file)
    with open_database(read_settings()) as url, connect(url) as connection:
        size = write(connection, path)
    with summary():
        click.echo(f"The page is in {path} ({size / 1e6:.1f} MB); open it in a browser.")


def write(connection: Connection, path: Path) -> int:
    """Writes the whole page or nothing, and returns its size in bytes. Raises SettingsError if it cannot be written."""
    content = page(figures(connection)).encode()
    target = path.resolve()
    draft = target.with_name(f".{target.name}.part")
    try:
        if target.exists() and not target.is_file():  # a device or a pipe is written to, not replaced
            return target.write_bytes(content)
        draft.write_bytes(content)
        draft.replace(target)
        return len(content)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise SettingsError(f"--html: {path} cannot be written: {error.strerror}; name another file.") from error
