"""The whole road with no account and no server: a simulated Pyrus, the embedded database, and questions to it."""

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from textwrap import indent
from typing import Any

import click
import fasteners
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from rich import box
from rich.columns import Columns
from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from pyrus_etl.cli.demo_questions import QUESTIONS, Question
from pyrus_etl.cli.output import set_up_logging
from pyrus_etl.cli.progress import progress_shown
from pyrus_etl.cli.report import write
from pyrus_etl.errors import LockHeld, SettingsError
from pyrus_etl.postgres import embedded
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.folders import data_folder
from pyrus_etl.postgres.programs import program
from pyrus_etl.reports.migrate import upgrade
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.sandbox import Activity, Sandbox, World
from pyrus_etl.schema.attachment import attachments
from pyrus_etl.schema.form import form_values, note_form_values
from pyrus_etl.schema.note import notes
from pyrus_etl.schema.person import persons
from pyrus_etl.schema.project import projects
from pyrus_etl.schema.task import approvals, tasks
from pyrus_etl.settings import Quota, Secret, Settings
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.backfill import sync as sync_plan
from pyrus_etl.sync.result import Counts, Progress, Report
from pyrus_etl.sync.session import Plan, conduct

WIDTH = 100
MORNING = timedelta(hours=3)
CHANGES = 25
PAGE = "pyrus-demo.html"
OURS = b'<meta name="generator" content="pyrus-etl">'
COUNTED = (tasks, notes, form_values, note_form_values, approvals, attachments, persons, projects)


@click.command()
@click.option(
    "--tasks",
    "number",
    metavar="N",
    type=click.IntRange(1, 1_000_000),
    default=3000,
    help="Tasks in the organisation.  [3000]",
)
@click.option("--seed", metavar="N", type=int, default=1, help="Another seed is another organisation's past.  [1]")
@click.option("--shell", is_flag=True, help="Open psql on what the last demo left.")
def demo(number: int, seed: int, shell: bool) -> int:
    """The whole road with no account and no server, in half a minute.

    A simulated Pyrus organisation, the embedded PostgreSQL, a backfill, some changes, a sync that fetches just those,
    and questions answered by SQL. Its database is its own: what you have synced yourself is not touched.

    \b
    Examples:  pyrus-etl demo
               pyrus-etl demo --tasks 20000
               pyrus-etl demo --shell
    """
    set_up_logging("WARNING", "text")
    logging.getLogger("pyrus_etl.cli.progress").setLevel("INFO")  # a long demo without a terminal says how far it is
    return _shell() if shell else _show(_console(), number, seed)


def folder() -> Path:
    """Where the demo has its database, beside that of the real thing."""
    return data_folder().parent / "demo"


def _show(console: Console, number: int, seed: int) -> int:
    """The demo, from the first line to the last."""
    console.print(
        Text("pyrus-etl demo", "bold"), Text("no account, no server, nothing of yours is touched", "dim"), sep=" · "
    )
    world = World(seed, number, start=datetime.now(UTC).replace(microsecond=0) - MORNING)
    with Sandbox(world) as sandbox:
        _chapter(console, 1, "Two servers start")
        _line(console, f"A simulated Pyrus with {number:,} tasks of the last 400 days answers at {sandbox.url}")
        with _database() as url, connect(url) as connection:
            (version,) = connection.execute("SELECT split_part(version(), ' ', 2)").fetchone() or ("",)
            _line(console, f"A real PostgreSQL {version} keeps its data in {_short(folder())}")
            settings = settings_for(sandbox, url)
            _backfill(console, settings, url, connection)
            _sync(console, settings, url, world)
            _refresh(console, connection)
            for place, question in enumerate(QUESTIONS, 1):
                _answer(console, connection, place, question)
            _page(console, connection)
    _farewell(console)
    return 0


@contextmanager
def _database() -> Iterator[Secret]:
    """The demo's own database, empty, its schema made; the server runs while the block lasts."""
    with embedded.serving(folder()) as url:
        alone = fasteners.InterProcessLock(folder().parent / "demo.lock")
        if not alone.acquire(blocking=False):
            raise LockHeld("Another demo is running; wait for it to end.")
        try:
            with connect(Secret(make_conninfo(url.reveal(), dbname="postgres"))) as connection:
                name = sql.Identifier(embedded.DATABASE)
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
                connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
            upgrade(url)
            yield url
        finally:
            alone.release()


def settings_for(sandbox: Sandbox, url: Secret) -> Settings:
    """Settings for the sandbox, whatever the environment and the config file say; it has no quota to keep."""
    return Settings(
        url=sandbox.url,
        login=sandbox.options.login,
        client_id=sandbox.options.client_id,
        security_key=Secret(sandbox.options.security_key),
        access_token=None,
        database_url=url,
        concurrency=16,
        quota=Quota(1_000_000, 1),
        overlap=timedelta(minutes=30),
        time_zone=None,
        log_level="WARNING",
        log_format="text",
    )


def _backfill(console: Console, settings: Settings, url: Secret, connection: Connection) -> None:
    _chapter(console, 2, "Backfill", "pyrus-etl backfill")
    progress, begun = Progress(), time.monotonic()
    with progress_shown("backfill", progress):
        counts = _run("backfill", backfill_plan, settings, url, progress)
    seconds = time.monotonic() - begun
    _line(console, f"{counts.tasks_fetched:,} tasks fetched over HTTP and stored in {seconds:.1f} s:")
    console.print(Padding.indent(Columns(_counted(connection), padding=(0, 3), column_first=False), 2))


def _sync(console: Console, settings: Settings, url: Secret, world: World) -> None:
    _chapter(console, 3, "A morning passes there; a sync", "pyrus-etl sync")
    activity = world.live(MORNING.total_seconds(), changes=CHANGES)
    world.advance(60)  # a task that has just changed would be asked for again by the next sync
    _line(console, f"There: {_told(activity)}: {len(activity.touched)} tasks are not what they were.")
    begun = time.monotonic()
    counts = _run("sync", sync_plan, settings, url, Progress())
    seconds = time.monotonic() - begun
    _line(console, f"Sync:  {counts.tasks_fetched} fetched, {counts.tasks_changed} changed, in {seconds:.1f} s.")
    again = _run("sync", sync_plan, settings, url, Progress())
    _line(console, f"Sync:  {again.tasks_fetched} fetched, {again.tasks_changed} changed: nothing has happened since.")


def _refresh(console: Console, connection: Connection) -> None:
    _chapter(console, 4, "A table for every form", "pyrus-etl reports refresh")
    begun = time.monotonic()
    refreshed = refresh(connection)
    columns = sum(map(len, refreshed.columns_made.values()))
    seconds = time.monotonic() - begun
    _line(console, f"{len(refreshed.views)} views with {columns} columns, in {seconds:.1f} s; the shell has them too:")
    console.print(Padding.indent(Columns(refreshed.views, padding=(0, 3), column_first=True), 2))


def _run(kind: str, plan: Plan, settings: Settings, url: Secret, progress: Progress) -> Counts:
    """One run, as the command of that name does it; what it counted."""
    report = Report(kind)
    if error := asyncio.run(conduct(plan, settings, url, report, progress)):
        raise error
    return report.counts


def _counted(connection: Connection) -> Iterator[str]:
    for table in COUNTED:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.schema or "", table.name))
        (rows,) = connection.execute(query).fetchone() or (0,)
        yield f"{rows:,} {table.name}"


def _told(activity: Activity) -> str:
    done = {"created": activity.created, "edited": activity.edited}
    done |= {"closed": activity.closed, "reopened": activity.reopened}
    return ", ".join(f"{len(ids)} × {verb}" for verb, ids in done.items() if ids)


def _answer(console: Console, connection: Connection, place: int, question: Question) -> None:
    """A question, the query in colours, its rows, and what they say."""
    _chapter(console, f"Question {place} of {len(QUESTIONS)}", question.text)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(question.query.encode()).fetchall()
    colours = Syntax("", "postgresql", theme="ansi_dark", background_color="default")
    console.print(colours.highlight(indent(question.query, "  ")), soft_wrap=True)
    if not rows:
        _line(console, "No rows: an organisation this small has nothing to tell.")
        return
    console.print(Padding(_table(rows), (0, 0, 0, 2), expand=False))
    _line(console, f"[bold]{question.answer.format_map({name: _shown(told) for name, told in rows[0].items()})}[/]")


def _page(console: Console, connection: Connection) -> None:
    path = _page_path()
    _chapter(console, "At a glance", "the reports on one page", f"pyrus-etl report --html {PAGE}")
    write(connection, path)
    _line(console, "Flow, throughput, cycle times, who is waited for; one file that needs no network. In a browser:")
    _line(console, f"    [cyan]{path}[/]")


def _page_path() -> Path:
    """In the folder where one is; beside the database if that cannot be, or somebody's own file is in the way."""
    here = Path.cwd() / PAGE
    if os.access(here.parent, os.W_OK) and (not here.exists() or _is_ours(here)):
        return here
    return folder().parent / PAGE


def _is_ours(path: Path) -> bool:
    """Whether a page stands there that pyrus-etl has made."""
    return path.is_file() and OURS in path.read_bytes()[:2000]


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=box.ROUNDED, header_style="bold", border_style="dim")
    for name, told in rows[0].items():
        is_text = isinstance(told, str) and not told.endswith("%")
        table.add_column(name, justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_shown(told)) for told in row.values()))
    return table


def _shown(told: Any) -> str:
    """A value as people read it."""
    if isinstance(told, timedelta):
        minutes = int(told.total_seconds()) // 60
        days, hours = minutes // 1440, minutes // 60
        if days >= 10:
            return f"{days} days"
        return f"{days} d {hours % 24} h" if days else f"{hours} h {minutes % 60} min"
    if isinstance(told, int | Decimal):
        return f"{told:,}"
    return "" if told is None else " ".join(str(told).split())


def _farewell(console: Console) -> None:
    us = _ourselves()
    _chapter(console, "Where it is", "and what comes next")
    _line(console, f"The database stays in {_short(folder())}; nothing is left running. Look around in it:")
    _line(console, f"    [cyan]{us} demo --shell[/]")
    _line(console, "With an account of your own (the README says where these three stand):")
    _line(console, "    [cyan]export PYRUS_LOGIN=… PYRUS_SECURITY_KEY=… PYRUS_CLIENT_ID=…[/]")
    _line(console, f"    [cyan]{us} check[/]")
    _line(console, f"    [cyan]{us} sync[/]")


def _shell() -> int:
    """psql on the last demo's database, with the schemas in its search path."""
    if not (folder() / "PG_VERSION").exists():
        raise SettingsError(f"There is no demo to look at yet; run {_ourselves()} demo first.")
    with embedded.serving(folder()) as url:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql
        environment = {**os.environ, "PGOPTIONS": "-c search_path=pyrus,pyrus_report"}
        return subprocess.run([program("psql"), "-d", url.reveal()], env=environment, check=False).returncode


def _ourselves() -> str:
    """What to type to call this program from here."""
    called = Path(sys.argv[0])
    if called.name != "pyrus-etl":
        return f"{sys.executable} -m pyrus_etl"
    found = shutil.which("pyrus-etl")
    if found and Path(found).resolve() == called.resolve():
        return "pyrus-etl"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


def _console() -> Console:
    """stdout, at most a hundred columns; a character that it cannot show becomes a question mark."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console


def _chapter(console: Console, number: int | str, title: str, command: str = "") -> None:
    console.print()
    said = f"[bold cyan]{number}[/]  [bold]{title}[/]" + (f"  [dim]$ {command}[/]" if command else "")
    console.rule(said, align="left", style="dim")


def _line(console: Console, text: str) -> None:
    console.print(f"  {text}", soft_wrap=True)


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
