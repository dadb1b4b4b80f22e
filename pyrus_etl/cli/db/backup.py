"""`db dump`, `db restore`, `db move`: backups, and the way from the embedded database to a server."""

import os
from dataclasses import replace
from pathlib import Path

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, json_option, read_settings, with_settings
from pyrus_etl.cli.terminal.output import print_json, summary
from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.postgres import archive, conninfo, embedded, folders
from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.upgrade import migrate
from pyrus_etl.reports.upgrade.move import move
from pyrus_etl.schema.metadata import REPORT_SCHEMA, SCHEMA
from pyrus_etl.sync.database import open_database

SCHEMAS = (SCHEMA, REPORT_SCHEMA)


@click.command(name="dump")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_settings(*DATABASE_SETTINGS)
def dump_command(file: Path) -> None:
    """Write a backup of the tables and reports to FILE, as pg_dump does; runs may go on meanwhile.

    \b
    Example:  pyrus-etl db dump pyrus-$(date +%F).dump
    """
    settings, draft = read_settings(), file.with_name(f".{file.name}.part")
    try:
        with open_database(settings) as url:
            archive.dump(url, draft, SCHEMAS)
        draft.replace(file)
    except OSError as error:
        raise SettingsError(f"FILE: {file} cannot be written: {error.strerror}; name another file.") from error
    finally:
        draft.unlink(missing_ok=True)
    with summary():
        click.echo(f"The backup is in {file} ({file.stat().st_size / 1e6:.1f} MB).")


@click.command(name="restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_settings(*DATABASE_SETTINGS)
def restore_command(file: Path) -> None:
    """Restore a backup of db dump into a database without our tables, and upgrade it to this version.

    The server must be as new as that of the backup. Privileges are not restored: run pyrus-etl db grant again.

    \b
    Example:  DATABASE_URL=postgresql://etl@localhost/pyrus_copy pyrus-etl db restore pyrus-2026-03-16.dump
    """
    settings = read_settings()
    with open_database(settings) as url:
        with connect(url) as connection:
            if connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", [SCHEMA]).fetchone() == (True,):
                raise DatabaseUnavailable(
                    f"The database already has the schema {SCHEMA}; name another database in DATABASE_URL, or remove "
                    "the schema: pyrus-etl db downgrade base --yes."
                )
        archive.restore(file, url)
        migrate.upgrade(url, settings.time_zone, settings.waits.locks)
    with summary():
        click.echo(f"{file} is restored.")


@click.command(name="move")
@json_option
@with_settings(*DATABASE_SETTINGS)
def move_command(as_json: bool) -> None:
    """Copy the embedded database into that of DATABASE_URL, which must have no rows yet.

    Runs cannot write meanwhile. The next sync with DATABASE_URL goes on where the last one stopped. The embedded
    database stays as it is, until you remove its folder.

    \b
    Example:  DATABASE_URL=postgresql://etl@db.example.com/pyrus pyrus-etl db move
    """
    settings = read_settings()
    if not settings.database_url:
        raise SettingsError("DATABASE_URL is not set; it names the database to move to.")
    folder, target = folders.data_folder(), conninfo.complete(settings.database_url, os.environ)
    if not embedded.exists(folder):
        raise SettingsError(
            f"{folder} has no embedded database to move; run pyrus-etl sync, which fills that of DATABASE_URL."
        )
    with open_database(replace(settings, database_url=None)) as source:
        rows = move(source, target, settings.waits.locks)
    with summary():
        if as_json:
            print_json({"rows": sum(rows.values()), "tables": rows})
        else:
            click.echo(f"{sum(rows.values()):,} rows were copied; leave DATABASE_URL set from now on.")
