"""`demo`: the whole pipeline without an account or a server, from a simulated Pyrus to answers in SQL."""

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from textwrap import indent

import click
import fasteners
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from rich.columns import Columns
from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from pyrus_etl.cli.demo.console import chapter, line, open_console, short, shown, table_of
from pyrus_etl.cli.demo.questions import QUESTIONS, Question
from pyrus_etl.cli.reports.report import write
from pyrus_etl.cli.terminal.output import set_up_logging
from pyrus_etl.cli.terminal.progress import progress_shown
from pyrus_etl.errors import LockHeld, SettingsError
from pyrus_etl.postgres import embedded
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.folders import data_folder
from pyrus_etl.postgres.programs import program
from pyrus_etl.reports.page.figures import figures
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.sandbox import Activity, Sandbox, World
from pyrus_etl.schema.attachment import attachments
from pyrus_etl.schema.counts import Counts
from pyrus_etl.schema.form import form_values, note_form_values
from pyrus_etl.schema.note import notes
from pyrus_etl.schema.person import persons
from pyrus_etl.schema.project import projects
from pyrus_etl.schema.task import approvals, tasks
from pyrus_etl.settings import Quota, Secret, Settings
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.sync import sync as sync_plan
from pyrus_etl.sync.run import Watch, run

MORNING = timedelta(hours=3)
CHANGES = 25
PAGE = "pyrus-demo.html"
PAGE_MARK = b'<meta name="generator" content="pyrus-etl">'
COUNTED_TABLES = (tasks, notes, form_values, note_form_values, approvals, attachments, persons, projects)


@click.command()
@click.option(
    "--tasks",
    "number",
    metavar="N",
    type=click.IntRange(1, 1_000_000),
    default=3000,
    help="Tasks in the organisation.  [3000]",
)
@click.option("--seed", metavar="N", type=int, default=1, help="The same seed gives the same tasks.  [1]")
@click.option("--shell", is_flag=True, help="Open psql on the database of the last demo.")
def demo(number: int, seed: int, shell: bool) -> int:
    """Show the whole pipeline in half a minute, without an account or a server.

    It starts a simulated Pyrus and an embedded PostgreSQL, runs a backfill, changes some tasks, syncs just those, and
    answers questions in SQL. It has a database of its own and does not touch what you have synced.

    \b
    Examples:  pyrus-etl demo
               pyrus-etl demo --tasks 20000
               pyrus-etl demo --shell
    """
    set_up_logging("WARNING", "text")
    # without a terminal, a long demo logs its progress
    logging.getLogger("pyrus_etl.cli.terminal.progress").setLevel("INFO")
    return _shell() if shell else _show(open_console(), number, seed)


def folder() -> Path:
    """The folder of the demo's database, next to the folder of the real one."""
    return data_folder().parent / "demo"


def _show(console: Console, number: int, seed: int) -> int:
    """Runs the demo, from the first line to the last."""
    console.print(
        Text("pyrus-etl demo", "bold"), Text("no account, no server, your own data is not touched", "dim"), sep=" · "
    )
    world = World(seed, number, start=datetime.now(UTC).replace(microsecond=0) - MORNING)
    with Sandbox(world) as sandbox:
        chapter(console, 1, "Start two servers")
        line(console, f"A simulated Pyrus with {number:,} tasks from the last 400 days, at {sandbox.url}")
        with _database() as url, connect(url) as connection:
            (version,) = connection.execute("SELECT split_part(version(), ' ', 2)").fetchone() or ("",)
            line(console, f"A real PostgreSQL {version}, with its data in {short(folder())}")
            settings = settings_for(sandbox, url)
            _backfill(console, settings, connection)
            _sync(console, settings, world)
            _refresh(console, connection)
            for place, question in enumerate(QUESTIONS, 1):
                _answer(console, connection, place, question)
            _page(console, connection)
    _farewell(console)
    return 0


@contextmanager
def _database() -> Iterator[Secret]:
    """Creates the demo's database with an empty schema; its server runs until the block ends."""
    with embedded.serving(folder()) as url:
        lock = fasteners.InterProcessLock(folder().parent / "demo.lock")
        if not lock.acquire(blocking=False):
            raise LockHeld("Another demo is running; wait until it ends.")
        try:
            with connect(Secret(make_conninfo(url.reveal(), dbname="postgres"))) as connection:
                name = sql.Identifier(embedded.DATABASE)
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
                connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
            upgrade(url)
            yield url
        finally:
            lock.release()


def settings_for(sandbox: Sandbox, url: Secret) -> Settings:
    """Settings for the sandbox; the environment and the config file are ignored. The sandbox has no quota."""
    return Settings(
        url=sandbox.url,
        login=sandbox.options.login,
        api="v4",
        security_key=Secret(sandbox.options.security_key),
        database_url=url,
        quota=Quota(1_000_000, 1),
    )


def _backfill(console: Console, settings: Settings, connection: Connection) -> None:
    chapter(console, 2, "Backfill", "pyrus-etl backfill")
    started = time.monotonic()
    counts = _run(backfill_plan(), settings, partial(progress_shown, "backfill"))
    seconds = time.monotonic() - started
    line(console, f"{counts.tasks_fetched:,} tasks fetched over HTTP and stored in {seconds:.1f} s:")
    console.print(Padding.indent(Columns(_row_counts(connection), padding=(0, 3), column_first=False), 2))


def _sync(console: Console, settings: Settings, world: World) -> None:
    chapter(console, 3, "Sync, three hours later", "pyrus-etl sync")
    activity = world.live(MORNING.total_seconds(), changes=CHANGES)
    world.advance(60)  # the next sync would fetch a task again if it had changed just now
    line(console, f"Pyrus: {_summary(activity)}")
    started = time.monotonic()
    counts = _run(sync_plan(), settings)
    seconds = time.monotonic() - started
    line(console, f"Sync:  {counts.tasks_fetched} fetched, {counts.tasks_changed} changed, in {seconds:.1f} s.")
    again = _run(sync_plan(), settings)
    line(console, f"Sync:  {again.tasks_fetched} fetched, {again.tasks_changed} changed: nothing happened since.")


def _refresh(console: Console, connection: Connection) -> None:
    chapter(console, 4, "One view per form", "pyrus-etl reports refresh")
    started = time.monotonic()
    refreshed = refresh(connection)
    columns = sum(map(len, refreshed.columns_made.values()))
    seconds = time.monotonic() - started
    line(console, f"{len(refreshed.views)} views with {columns} columns, created in {seconds:.1f} s:")
    console.print(Padding.indent(Columns(refreshed.views, padding=(0, 3), column_first=True), 2))


def _run(plan: Plan, settings: Settings, watch: Watch = nullcontext) -> Counts:
    """Runs `plan` as its command does, and returns its counts."""
    result = asyncio.run(run(plan, settings, handles_signals=True, watch=watch))
    if result.error:
        raise result.error
    return result.counts


def _row_counts(connection: Connection) -> Iterator[str]:
    for table in COUNTED_TABLES:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.schema or "", table.name))
        (rows,) = connection.execute(query).fetchone() or (0,)
        yield f"{rows:,} {table.name}"


def _summary(activity: Activity) -> str:
    changes = {"created": activity.created, "edited": activity.edited}
    changes |= {"closed": activity.closed, "reopened": activity.reopened}
    parts = ", ".join(f"{len(ids)} {verb}" for verb, ids in changes.items() if ids)
    return f"{CHANGES} changes to {len(activity.touched)} tasks: {parts}."


def _answer(console: Console, connection: Connection, place: int, question: Question) -> None:
    """Prints a question, its query in colours, the rows, and the answer."""
    chapter(console, f"Question {place} of {len(QUESTIONS)}", question.text)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(question.query.encode()).fetchall()
    colours = Syntax("", "postgresql", theme="ansi_dark", background_color="default")
    console.print(colours.highlight(indent(question.query, "  ")), soft_wrap=True)
    if not rows:
        line(console, "No rows: this organisation is too small to answer the question.")
        return
    console.print(Padding(table_of(rows), (0, 0, 0, 2), expand=False))
    line(console, f"[bold]{question.answer.format_map({name: shown(value) for name, value in rows[0].items()})}[/]")


def _page(console: Console, connection: Connection) -> None:
    path = _page_path()
    chapter(console, "At a glance", "One page of charts", f"pyrus-etl report --html {PAGE}")
    write(figures(connection), path)
    line(console, "Flow, throughput, cycle times, approvals: one file that works offline. Open it in a browser:")
    line(console, f"    [cyan]{path}[/]")


def _page_path() -> Path:
    """In the current folder; next to the database if that is not writable, or if a file of the user has the name."""
    here = Path.cwd() / PAGE
    if os.access(here.parent, os.W_OK) and (not here.exists() or _is_ours(here)):
        return here
    return folder().parent / PAGE


def _is_ours(path: Path) -> bool:
    """Whether `path` is a page that pyrus-etl wrote."""
    return path.is_file() and PAGE_MARK in path.read_bytes()[:2000]


def _farewell(console: Console) -> None:
    command = _own_command()
    chapter(console, "What next", "Your own questions, your own account")
    line(console, f"No server is left running; the database stays in {short(folder())}. Open it in psql:")
    line(console, f"    [cyan]{command} demo --shell[/]")
    line(console, "To sync your own account, set these two (README.md says where to get them):")
    line(console, "    [cyan]export PYRUS_LOGIN=… PYRUS_SECURITY_KEY=…[/]")
    line(console, f"    [cyan]{command} check[/]")
    line(console, f"    [cyan]{command} sync[/]")


def _shell() -> int:
    """Opens psql on the last demo's database, with both schemas in its search path."""
    if not (folder() / "PG_VERSION").exists():
        raise SettingsError(f"There is no demo database yet; run {_own_command()} demo first.")
    with embedded.serving(folder()) as url:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql
        environment = {**os.environ, "PGOPTIONS": "-c search_path=pyrus,pyrus_report"}
        return subprocess.run([program("psql"), "-d", url.reveal()], env=environment, check=False).returncode


def _own_command() -> str:
    """The command that runs this program from the current folder."""
    called = Path(sys.argv[0])
    if called.name != "pyrus-etl":
        return f"{sys.executable} -m pyrus_etl"
    found = shutil.which("pyrus-etl")
    if found and Path(found).resolve() == called.resolve():
        return "pyrus-etl"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)
