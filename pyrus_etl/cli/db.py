"""`db …`: the schema by Alembic, and ways to get at the rows."""

import asyncio
import os
import shutil
import signal
import subprocess
import threading
import time

import click

from pyrus_etl.cli.options import DATABASE_SETTINGS, database, json_option, settings, with_settings
from pyrus_etl.cli.output import print_json, summary
from pyrus_etl.cli.progress import progress_shown
from pyrus_etl.cli.runs import SET_ASIDE
from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.load import rebuild
from pyrus_etl.postgres import conninfo, embedded, folders
from pyrus_etl.postgres.connection import connect
from pyrus_etl.postgres.programs import program
from pyrus_etl.postgres.revision import require_known, revision
from pyrus_etl.postgres.store import Store
from pyrus_etl.reports import migrate
from pyrus_etl.reports.grants import grant_reports
from pyrus_etl.reports.repair import Difference
from pyrus_etl.schema.metadata import REPORT_SCHEMA, REVISION
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.rebuild import Rebuilt, rebuild_all
from pyrus_etl.sync.result import Progress


@click.group()
def db() -> None:
    """The database: schema, URL, a shell, a server to query.

    Without DATABASE_URL this is the embedded PostgreSQL, which runs while a command needs it.
    """


@db.command()
@with_settings(*DATABASE_SETTINGS)
def upgrade() -> None:
    """Brings the schema to the revision of this version; safe to repeat.

    \b
    Example:  DATABASE_URL=postgresql://etl@localhost/pyrus pyrus-etl db upgrade
    """
    found = settings()
    with database(found) as url:
        made = migrate.upgrade(url, found.time_zone)
        with connect(url) as connection:
            advice = rebuild.advice(connection)
    with summary():
        for each in made:
            click.echo(f"Mended what was {each}")
        click.echo(f"The schema is at revision {REVISION}" + (f"; {advice}." if advice else "."))


@db.command(name="rebuild")
@json_option
@with_settings(*DATABASE_SETTINGS)
def rebuild_command(as_json: bool) -> int:
    """Makes the rows of all tasks again from the stored bodies, with no request to Pyrus.

    Needed after an upgrade that reads more of the bodies: pyrus-etl check says so. It can be stopped at any time, and
    the next call goes on from there.

    \b
    Example:  pyrus-etl db rebuild
    """
    progress, began = Progress(), time.monotonic()
    with database(settings()) as url, progress_shown("rebuild", progress):
        rebuilt = asyncio.run(_rebuilt(url, progress))
    seconds = round(time.monotonic() - began, 1)
    status = "partial" if rebuilt.set_aside else "ok"
    with summary():
        if as_json:
            counts = {"tasks_rebuilt": rebuilt.tasks, "tasks_failed": rebuilt.set_aside}
            print_json({"status": status, **counts, "seconds": seconds})
        else:
            click.echo(f"The rows of {rebuilt.tasks:,} tasks are rebuilt, in {seconds} s.")
    if rebuilt.set_aside:
        click.echo(f"pyrus-etl: {rebuilt.set_aside} tasks were set aside; see pyrus-etl errors list.", err=True)
    return SET_ASIDE if rebuilt.set_aside else 0


async def _rebuilt(url: Secret, progress: Progress) -> Rebuilt:
    async with Store(url) as store:
        return await rebuild_all(store, progress)


@db.command()
@click.argument("revision_id", metavar="REV")
@click.option("--yes", is_flag=True, help="Yes, drop the tables that came later, with all that is in them.")
@with_settings(*DATABASE_SETTINGS)
def downgrade(revision_id: str, yes: bool) -> None:
    """Takes the schema down to revision REV; `base` drops all tables and their rows.

    \b
    Example:  pyrus-etl db downgrade base --yes
    """
    if not yes:
        raise SettingsError(f"Going down to {revision_id} drops tables with their rows; add --yes to mean it.")
    with database(settings()) as url:
        migrate.downgrade(url, revision_id)
    with summary():
        click.echo(f"The schema is down at {revision_id}.")


@db.command()
@json_option
@with_settings(*DATABASE_SETTINGS)
def current(as_json: bool) -> None:
    """Shows the revision that the schema is at, and the one that this version expects.

    \b
    Example:  pyrus-etl db current
    """
    with database(settings()) as url, connect(url) as connection:
        found = revision(connection)
    if as_json:
        print_json({"revision": found, "expected": REVISION})
    else:
        click.echo(f"{found or 'none'} (expected: {REVISION})")


@db.command()
@json_option
@with_settings(*DATABASE_SETTINGS)
def check(as_json: bool) -> int:
    """Compares the tables in the database with the declared ones; fails where they differ.

    \b
    Example:  pyrus-etl db check
    """
    with database(settings()) as url:
        with connect(url) as connection:
            found = revision(connection)
            require_known(found)
        differences = migrate.differences(url) if found == REVISION else [_older(found)]
    texts = [difference.text for difference in differences]
    if as_json:
        print_json({"revision": found, "expected": REVISION, "differences": texts})
    else:
        click.echo("\n".join(texts) or "The tables are as declared.")
    if not differences:
        return 0
    remedies = "; ".join(dict.fromkeys(difference.remedy for difference in differences))
    click.echo(f"pyrus-etl: The schema is not as declared: {remedies}.", err=True)
    return DatabaseUnavailable.exit_code  # not raised: with --json that would print a second object


def _older(found: str | None) -> Difference:
    return Difference(f"revision {found}, expected {REVISION}")


@db.command()
@click.argument("role")
@with_settings(*DATABASE_SETTINGS)
def grant(role: str) -> None:
    """Lets ROLE, which has to exist, read the reports (schema pyrus_report) and nothing else; safe to repeat.

    \b
    Example:  pyrus-etl db grant metabase
    """
    with database(settings()) as url, connect(url) as connection:
        grant_reports(connection, role)
    with summary():
        click.echo(f"{role} may read the reports, schema {REPORT_SCHEMA}.")


@db.command()
@with_settings(*DATABASE_SETTINGS)
def url() -> None:
    """Prints the URL of the database, for psql and other programs; a password in DATABASE_URL is left out.

    The embedded database answers while `pyrus-etl db serve` or another command runs.

    \b
    Example:  psql "$(pyrus-etl db url)"
    """
    found = settings()
    if found.database_url:
        click.echo(_address(found.database_url))
    else:
        parts = embedded.parts_of(folders.data_folder(), embedded.DATABASE)
        click.echo(conninfo.uri(conninfo.guarded(parts, os.environ)))


def _address(url: Secret) -> str:
    """A URL to show, or to start a program with: every user of the machine can read it, so it holds no secret."""
    parts = conninfo.without_secrets(conninfo.parts_of(url))
    return conninfo.uri(conninfo.guarded(parts, os.environ, only=["hostaddr"]) if parts.get("host") else parts)


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_settings(*DATABASE_SETTINGS)
def shell(arguments: tuple[str, ...]) -> int:
    """Opens psql on the database; what stands behind `--` goes to psql.

    \b
    Examples:  pyrus-etl db shell
               pyrus-etl db shell -- -c "SELECT count(*) FROM pyrus.tasks"
    """
    found = settings()
    yours = (
        shutil.which("psql") if found.database_url else None
    )  # it may speak TLS, which the one of the wheel does not
    with database(found) as address:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql
        command = [yours or program("psql"), "-d", _address(address), *arguments]
        password = conninfo.parts_of(address).get("password")
        environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
        return subprocess.run(command, env=environment, check=False).returncode


@db.command()
@click.option("--port", type=click.IntRange(1024, 65535), help="Listen on 127.0.0.1 too, with a password.")
@with_settings(*DATABASE_SETTINGS)
def serve(port: int | None) -> None:
    """Keeps the embedded database running until it is interrupted, for other programs to query.

    \b
    Examples:  pyrus-etl db serve
               pyrus-etl db serve --port 5433     # for Metabase, Grafana, DBeaver, …
    """
    found = settings()
    if found.database_url:
        raise SettingsError("DATABASE_URL is set: that server runs already; db serve is for the embedded one.")
    folder, environment = folders.data_folder(), dict(os.environ)
    with database(found, port):
        parts = embedded.parts_of(folder, embedded.DATABASE)
        click.echo(conninfo.uri(conninfo.guarded(parts, environment)))
        if port:
            click.echo(conninfo.uri(conninfo.guarded({**parts, "host": "127.0.0.1"}, environment)))
            click.echo(f"The password stands in {folders.password_file(folder)}.", err=True)
        click.echo("Serving; Ctrl-C ends it.", err=True)
        threading.Event().wait()
