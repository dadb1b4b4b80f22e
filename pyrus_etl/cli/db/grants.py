"""`db grant` and `db revoke`: what another role of the database may read, or write to the outbox."""

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, read_settings, with_settings
from pyrus_etl.cli.terminal.output import summary
from pyrus_etl.errors import SettingsError
from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.access import sessions
from pyrus_etl.reports.access.grants import grant_reports, limit_reader, revoke
from pyrus_etl.reports.access.limited_tables import Given
from pyrus_etl.reports.access.write_back import grant_write_back
from pyrus_etl.schema.metadata import REPORT_SCHEMA, SCHEMA
from pyrus_etl.sync.database import open_database


@click.command(name="grant")
@click.argument("role")
@click.option("--forms", metavar="IDS", help="Only the tasks of these forms, e.g. 12,34.")
@click.option("--projects", metavar="IDS", help="Only the tasks in these projects or lists, and in those below them.")
@click.option("--tables", is_flag=True, help="Also the tables (schema pyrus), e.g. for dbt.")
@click.option("--write-back", is_flag=True, help="Instead, let ROLE insert rows into pyrus.outbox.")
@with_settings(*DATABASE_SETTINGS)
def grant_command(role: str, forms: str | None, projects: str | None, tables: bool, write_back: bool) -> None:
    """Let ROLE read the reports (schema pyrus_report) and nothing else; safe to repeat.

    With --forms or --projects, it reads the reports of these tasks only, in a schema of its own, pyrus_report_ROLE, and
    with --tables their tables in pyrus_ROLE; all other rights on reports and tables are taken back. Without these, it
    reads all rows again.

    The role must exist. If the database is yours, its sessions also get the time zone of the reports and no
    just-in-time compilation, unless somebody has set these for the database.

    With --write-back, ROLE can insert rows into pyrus.outbox, which push sends to Pyrus. It sees its own rows only, and
    can delete those that still wait. It needs both grants to read the reports as well.

    \b
    Examples:  pyrus-etl db grant metabase
               pyrus-etl db grant dbt --tables
               pyrus-etl db grant finance --forms 2371445,2371446
               pyrus-etl db grant erp --write-back
    """
    if write_back:
        if forms or projects or tables:
            raise SettingsError("--write-back is a grant of its own; leave out --forms, --projects and --tables.")
        _grant_write_back(role)
        return
    given = Given(_ids(forms, "--forms"), _ids(projects, "--projects"))
    with open_database(read_settings()) as url, connect(url) as connection:
        if any(given):
            read = limit_reader(connection, role, given, tables=tables).own
        else:
            grant_reports(connection, role, tables=tables)
            read = {schema: schema for schema in (REPORT_SCHEMA, *([SCHEMA] if tables else []))}
        missing = sessions.missing_defaults(connection)
        left = sessions.set_defaults(connection, missing)
    with summary():
        rows = " of these tasks" if any(given) else ""
        also = f", and the tables (schema {read[SCHEMA]})" if tables else ""
        click.echo(f"{role} can read the reports{rows} (schema {read[REPORT_SCHEMA]}){also}.")
        for default in missing:
            if default not in left:
                click.echo(f"Set for new sessions: {default.statement}")
        if left:
            click.echo(f"{sessions.advice(left)}.")


def _grant_write_back(role: str) -> None:
    with open_database(read_settings()) as url, connect(url) as connection:
        grant_write_back(connection, role)
    with summary():
        click.echo(f"{role} can insert rows into pyrus.outbox; pyrus-etl push sends them.")


@click.command(name="revoke")
@click.argument("role")
@with_settings(*DATABASE_SETTINGS)
def revoke_command(role: str) -> None:
    """Take back all that ROLE may read of the reports and tables, with its own schemas; safe to repeat.

    \b
    Example:  pyrus-etl db revoke metabase
    """
    with open_database(read_settings()) as url, connect(url) as connection:
        rest = revoke(connection, role)
    with summary():
        click.echo(f"But {rest}." if rest else f"{role} can read neither reports nor tables.")


def _ids(text: str | None, option: str) -> tuple[int, ...]:
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in parts):  # 18 digits fit a bigint
        raise SettingsError(f"{option}: {text!r} is not a list of ids; write it like 12,34.")
    return tuple(sorted({int(part) for part in parts}))
