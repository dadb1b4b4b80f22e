"""`report`: writes the reports as one HTML page, or their figures as JSON."""

from pathlib import Path

import click
import msgspec

from pyrus_etl.cli.options import DATABASE_SETTINGS, json_option, read_settings, with_settings
from pyrus_etl.cli.terminal.output import print_json, summary
from pyrus_etl.cli.terminal.whole_file import write_whole
from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.page.assemble import LANGUAGES, page
from pyrus_etl.reports.page.figures import Figures, figures
from pyrus_etl.sync.database import open_database

STDOUT = "-"


@click.command()
@click.option("--html", "file", metavar="FILE", help="File to write; replaced if it exists. - is stdout.")
@click.option(
    "--lang", "language", type=click.Choice(LANGUAGES), help="Language of the page.  [default: that of the browser]"
)
@json_option
@with_settings(*DATABASE_SETTINGS)
def report(file: str | None, language: str | None, as_json: bool) -> None:
    """Write the reports as one self-contained HTML page: charts, tables, filters.

    You can mail it, put it on a share or open it without a network. The database role only needs to read the schema
    pyrus_report (see pyrus-etl db grant). --json prints all figures of the page.

    \b
    Examples:  pyrus-etl report --html pyrus.html
               pyrus-etl report --html - | ssh web 'cat > /srv/www/pyrus.html'
    """
    if file == STDOUT and as_json:
        raise click.UsageError("--html - and --json both print to stdout; give one of them.")
    if not (file or as_json):
        raise click.UsageError("Give --html FILE for a page, or --json for its figures.")
    with open_database(read_settings()) as url, connect(url) as connection:
        found = figures(connection)
    if file == STDOUT:
        click.echo(page(found, language).encode(), nl=False)
        return
    size = write(found, Path(file), language) if file else None
    with summary():
        if as_json:
            print_json(msgspec.structs.asdict(found) | {"html": file, "html_bytes": size})
        elif size:
            click.echo(f"The page is in {file} ({size / 1e6:.1f} MB); open it in a browser.")


def write(found: Figures, path: Path, language: str | None = None) -> int:
    """Writes the whole page or nothing, and returns its size in bytes. Raises SettingsError if it cannot be written."""
    content = page(found, language).encode()
    write_whole(path, content, "--html")
    return len(content)
