"""`db …`: manages the schema with Alembic and gives access to the database."""

import asyncio
import os
import shutil
import signal
import subprocess
import threading
import time

import click

from pyrus_etl.cli.db.backup import dump_command, move_command, restore_command
from pyrus_etl.cli.db.grants import grant_command, revoke_command
from pyrus_etl.cli.db.partition import partition_command
from pyrus_etl.cli.interpreter import suit_many_rows
from pyrus_etl.cli.options import (
    DATABASE_SETTINGS,
    REPORT_SETTINGS,
    Group,
    json_option,
    read_settings,
    with_settings,
)
from pyrus_etl.cli.terminal.output import print_json, summary
from pyrus_etl.cli.terminal.progress import progress_shown
from pyrus_etl.errors import SET_ASIDE, DatabaseUnavailable, SettingsError
from pyrus_etl.load.tasks import rebuild
from pyrus_etl.postgres import archive, conninfo, embedded, folders
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.programs import program
from pyrus_etl.postgres.revision import require_all_rows, require_known, revision
from pyrus_etl.postgres.store import Store
from pyrus_etl.reports.upgrade import migrate
from pyrus_etl.reports.upgrade.differences import Difference
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret
from pyrus_etl.settings.privacy import Privacy
from pyrus_etl.sync.database import open_database
from pyrus_etl.sync.progress import Progress
from pyrus_etl.sync.tasks.rebuild import Rebuilt, rebuild_all


@click.group(cls=Group)
def db() -> None:
    """Manage the database: schema, access, URL, psql, a server for other programs.

    Without DATABASE_URL this is the embedded PostgreSQL, which runs only while a command needs it.
    """


db.add_command(dump_command)
db.add_command(restore_command)
db.add_command(move_command)
db.add_command(partition_command)
db.add_command(grant_command)
db.add_command(revoke_command)


@db.command()
@with_settings(*REPORT_SETTINGS)
def upgrade() -> None:
    """Upgrade the schema to this version, and restore missing parts; safe to repeat.

    \b
    Example:  DATABASE_URL=postgresql://etl@localhost/pyrus pyrus-etl db upgrade
    """
    settings = read_settings()
    with open_database(settings) as url:
        repaired = migrate.upgrade(url, settings.time_zone, settings.waits.locks)
        with connect(url) as connection:
            advice = rebuild.advice(connection)
    with summary():
        for each in repaired:
            click.echo(f"Repaired: {each}")
        click.echo(f"The schema is at revision {REVISION}" + (f"; {advice}." if advice else "."))


@db.command(name="rebuild")
@json_option
@with_settings("privacy", *DATABASE_SETTINGS)
def rebuild_command(as_json: bool) -> int:
    """Rebuild the rows of all tasks from the stored bodies, without requests to Pyrus.

    Needed after an upgrade that reads more of the bodies, and after a change of the privacy rules; pyrus-etl check
    tells you. It then hides what the rules name in everything that is stored, also in the bodies; what was hidden
    before stays hidden. You can stop it at any time; the next call continues from there.

    \b
    Example:  pyrus-etl db rebuild
    """
    progress, began = Progress(), time.monotonic()
    suit_many_rows()
    settings = read_settings()
    with open_database(settings) as url, progress_shown("rebuild", progress):
        rebuilt = asyncio.run(_rebuild(url, progress, settings.privacy))
    seconds = round(time.monotonic() - began, 1)
    status = "partial" if rebuilt.set_aside else "ok"
    code = SET_ASIDE if rebuilt.set_aside else 0
    with summary():
        if as_json:
            counts = {"tasks_rebuilt": rebuilt.tasks, "tasks_failed": rebuilt.set_aside}
            print_json({"status": status, **counts, "seconds": seconds, "exit_code": code})
        else:
            click.echo(f"Rebuilt the rows of {rebuilt.tasks:,} tasks in {seconds} s.")
    if rebuilt.set_aside:
        click.echo(f"pyrus-etl: {rebuilt.set_aside} tasks were set aside; see pyrus-etl errors list.", err=True)
    return code


async def _rebuild(url: Secret, progress: Progress, privacy: Privacy) -> Rebuilt:
    async with Store(url) as reader, Store(url) as first, Store(url) as second:
        return await rebuild_all(reader, (first, second), progress, privacy)


@db.command()
@click.argument("revision_id", metavar="REV")
@click.option("--yes", is_flag=True, help="Confirm that newer tables and their rows are dropped.")
@with_settings(*DATABASE_SETTINGS)
def downgrade(revision_id: str, yes: bool) -> None:
    """Downgrade the schema to revision REV; base drops all tables and their rows.

    \b
    Example:  pyrus-etl db downgrade base --yes
    """
    if not yes:
        raise SettingsError(f"Downgrading to {revision_id} drops tables with their rows; add --yes to confirm.")
    settings = read_settings()
    with open_database(settings) as url:
        migrate.downgrade(url, revision_id, settings.waits.locks)
    with summary():
        click.echo(f"The schema is at revision {revision_id}.")


@db.command()
@json_option
@with_settings(*DATABASE_SETTINGS)
def current(as_json: bool) -> None:
    """Show the current and the expected revision of the schema.

    \b
    Example:  pyrus-etl db current
    """
    with open_database(read_settings()) as url, connect(url) as connection:
        applied = revision(connection)
    if as_json:
        print_json({"revision": applied, "expected": REVISION})
    else:
        click.echo(f"{applied or 'none'} (expected: {REVISION})")


@db.command()
@json_option
@with_settings(*DATABASE_SETTINGS)
def check(as_json: bool) -> int:
    """Compare the tables in the database with the declared ones; fail if they differ.

    \b
    Example:  pyrus-etl db check
    """
    with open_database(read_settings()) as url:
        with connect(url) as connection:
            applied = revision(connection)
            require_known(applied)
            require_all_rows(connection)
        differences = migrate.differences(url) if applied == REVISION else [_older(applied)]
    texts = [difference.text for difference in differences]
    code = DatabaseUnavailable.exit_code if differences else 0  # not raised: with --json, that would print two objects
    if as_json:
        print_json({"revision": applied, "expected": REVISION, "differences": texts, "exit_code": code})
    else:
        click.echo("\n".join(texts) or "The tables match the declared schema.")
    if differences:
        remedies = "; ".join(dict.fromkeys(difference.remedy for difference in differences))
        click.echo(f"pyrus-etl: The schema does not match the declared one: {remedies}.", err=True)
    return code


def _older(applied: str | None) -> Difference:
    return Difference(f"revision {applied}, expected {REVISION}")


@db.command()
@with_settings(*DATABASE_SETTINGS)
def url() -> None:
    """Print the URL of the database for psql and other programs, without the password.

    The embedded database accepts connections only while `pyrus-etl db serve` or another command runs.

    \b
    Example:  psql "$(pyrus-etl db url)"
    """
    settings = read_settings()
    if settings.database_url:
        click.echo(archive.address(settings.database_url))
    else:
        program("postgres")  # without it, the URL would lead nowhere
        parts = embedded.parts_of(folders.data_folder(), embedded.DATABASE)
        click.echo(conninfo.uri(conninfo.guarded(parts, os.environ)))


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_settings(*DATABASE_SETTINGS)
def shell(arguments: tuple[str, ...]) -> int:
    """Open psql on the database; arguments after -- are passed to psql.

    \b
    Examples:  pyrus-etl db shell
               pyrus-etl db shell -- -c "SELECT count(*) FROM pyrus.tasks"
    """
    settings = read_settings()
    # an installed psql may support TLS, which that of the embedded PostgreSQL does not
    installed = shutil.which("psql") if settings.database_url else None
    with open_database(settings) as address:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql
        command = [installed or program("psql"), "-d", archive.address(address), *arguments]
        return subprocess.run(command, env=archive.environment(address), check=False).returncode


@db.command()
@click.option("--port", type=click.IntRange(1024, 65535), help="Also listen on 127.0.0.1, with a password.")
@with_settings(*DATABASE_SETTINGS)
def serve(port: int | None) -> None:
    """Keep the embedded database running, so that other programs can query it.

    \b
    Examples:  pyrus-etl db serve
               pyrus-etl db serve --port 5433     # for Metabase, Grafana, DBeaver, …
    """
    settings = read_settings()
    if settings.database_url:
        raise SettingsError("DATABASE_URL is set: connect to that server; db serve is only for the embedded one.")
    folder, environment = folders.data_folder(), dict(os.environ)
    with open_database(settings, port):
        parts = embedded.parts_of(folder, embedded.DATABASE)
        click.echo(conninfo.uri(conninfo.guarded(parts, environment)))
        if port:
            click.echo(conninfo.uri(conninfo.guarded({**parts, "host": "127.0.0.1"}, environment)))
            click.echo(f"The password is in {folders.password_file(folder)}.", err=True)
        click.echo("Serving; press Ctrl-C to stop.", err=True)
        threading.Event().wait()
