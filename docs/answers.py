"""Updates the answers in Markdown pages: `make docs`. tests/cli/test_docs.py checks that they are up to date.

`python docs/answers.py PAGE …` runs each query in a ```sql block that is followed by a table, and writes the table
again, after the `INSERT`s of the page. The text between `<!-- views -->` or `<!-- diagram -->` and `<!-- end -->` is
generated from the views and their comments. All queries run on the same data: the organisation of the demo, with a
stopped clock.
"""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import sql
from psycopg.rows import TupleRow

from pyrus_etl.cli.demo.demo import settings_for
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.embedded import serving
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.backfill import backfill
from pyrus_etl.sync.plans.reconcile import reconcile
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.run import run

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
"""The time of the answers: a Monday, at noon."""
MORNING = timedelta(hours=3)
TASKS = 1000

_STOP_CLOCK = """
    CREATE OR REPLACE VIEW pyrus_report.clock AS
    SELECT moment AS now, (moment AT TIME ZONE time_zone)::date AS today, time_zone
    FROM pyrus.report_settings CROSS JOIN (VALUES ({}::timestamptz)) AS stopped (moment)
"""
_DOWNLOADED = """
    INSERT INTO pyrus.attachment_contents (task_id, attachment_id, status, sha256)
    SELECT task_id, attachment_id, 'stored', encode(sha256(convert_to(name || md5, 'UTF8')), 'hex')
    FROM pyrus.attachments, left(md5_hash, 2) AS md5
"""
"""As if contents had been downloaded; files whose name and the beginning of whose MD5 are the same are duplicates."""
_ASKED = re.compile(r"(?P<asked>^```sql\n(?P<query>(?:(?!```).*\n)+)```\n\n)(?:\|.*\n)+", re.MULTILINE)
_INSERTS = re.compile(r"^```sql\n(INSERT (?:(?!```).*\n)+)```\n", re.MULTILINE)
_MADE = re.compile(r"<!-- (?P<what>views|diagram) -->\n.*?<!-- end -->", re.DOTALL)
_TIME_FILTER = re.compile(r"\$__timeFilter\((\w+)\)")
JOINED = {
    "task_id": "current_tasks",
    "project_id": "project_paths",
    "form_id": "project_paths",
    "person_id": "person_names",
    "account_id": "person_names",
}
"""The views to join the others with, by column; the diagram shows the first column that a view has."""
ELSEWHERE = "deleted_tasks"
"""Its tasks are in no other view."""

_ONE_A_TASK = re.compile(r"One row per (open )?task\b")
_VIEWS = """
    SELECT relname, obj_description(oid, 'pg_class') FROM pg_class
    WHERE relnamespace = 'pyrus_report'::regnamespace AND relname !~ '^(form|catalog)_' ORDER BY relname
"""
_COLUMNS = """
    SELECT attname, format_type(atttypid, NULL), col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum
"""


def main() -> None:
    with organisation() as connection:
        for page in map(Path, sys.argv[1:]):
            text = page.read_text(encoding="utf-8")
            page.write_text(answered(text, connection), encoding="utf-8")


def answered(page: str, connection: Connection) -> str:
    """Returns the page with new answers, which reckon with the rows that it tells users to insert."""
    for statements in _INSERTS.findall(page):
        connection.execute(statements.encode())
    refresh(connection)
    page = _ASKED.sub(lambda found: found["asked"] + answer(found["query"], connection), page)
    made = {"views": views, "diagram": diagram}
    return _MADE.sub(
        lambda found: f"<!-- {found['what']} -->\n{''.join(made[found['what']](connection))}<!-- end -->", page
    )


def answer(query: str, connection: Connection) -> str:
    """Returns the result of a query as a Markdown table; Grafana's time filter means the last four weeks."""
    since = (NOW - timedelta(weeks=4)).date()
    cursor = connection.execute(_TIME_FILTER.sub(rf"\1 >= '{since}'", query).encode())
    return "".join(table([column.name for column in cursor.description or []], cursor.fetchall()))


def table(names: list[str], rows: list[TupleRow]) -> Iterator[str]:
    """Yields a Markdown table with numbers aligned to the right."""
    yield f"| {' | '.join(names)} |\n"
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    numeric = [any(map(_is_number, column)) for column in columns]
    yield f"|{'|'.join('---:' if right else '---' for right in numeric)}|\n"
    for row in rows:
        yield f"| {' | '.join(map(shown, row))} |\n"


def shown(value: Any) -> str:
    """Returns a value as text for a table."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else " ".join(str(value).split()).replace("|", "\\|")


def _is_number(value: Any) -> bool:
    return not isinstance(value, str | bool | datetime) and hasattr(value, "__float__")


def views(connection: Connection) -> Iterator[str]:
    """Yields every view with its question, then each view with its columns and their comments."""
    found = connection.execute(_VIEWS).fetchall()
    yield "\n"
    yield from (f"- [{name}](#{name}): {comment.partition('?')[0]}?\n" for name, comment in found)
    for name, comment in found:
        columns = connection.execute(_COLUMNS, [f"pyrus_report.{name}"]).fetchall()
        yield f"\n### {name}\n\n{comment}\n\n| column | type | |\n|---|---|---|\n"
        for column, spelled, description in columns:
            short = {"timestamp with time zone": "timestamptz", "time without time zone": "time"}.get(spelled, spelled)
            yield f"| {column} | {short} | {description} |\n"
    yield "\n"


def diagram(connection: Connection) -> Iterator[str]:
    """Yields the diagram: the column that joins each view with the tasks, the projects or the persons."""
    yield "```mermaid\nerDiagram\n"
    for name, comment in connection.execute(_VIEWS).fetchall():
        columns = {column for column, *_ in connection.execute(_COLUMNS, [f"pyrus_report.{name}"]).fetchall()}
        keys = (key for key, other in JOINED.items() if key in columns and other != name)
        if name != ELSEWHERE and (key := next(keys, None)):
            many = "o|" if key == "task_id" and _ONE_A_TASK.search(comment) else "o{"
            yield f"    {JOINED[key]} ||--{many} {name} : {key}\n"
    yield "    person_names ||--o{ current_tasks : responsible_id\n"
    yield "    current_tasks ||--o| form_supplier_invoice : task_id\n"
    yield "    form_supplier_invoice ||--o{ form_supplier_invoice_lines : task_id\n"
    yield "```\n"


@contextmanager
def organisation() -> Iterator[Connection]:
    """Loads the demo's organisation into an empty database: a backfill, a morning of changes, a sync and a census.

    The database is that of EMPTY_DATABASE_URL (never DATABASE_URL, which may hold somebody's data) or an embedded one.
    """
    given = os.environ.get("EMPTY_DATABASE_URL")
    if given:
        yield from _organisation(Secret(given))
    else:
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "postgresql") as url:
            yield from _organisation(url)


def _organisation(url: Secret) -> Iterator[Connection]:
    upgrade(url)
    world = World(1, TASKS, start=NOW - MORNING)
    with Sandbox(world) as sandbox:
        _run(backfill(), sandbox, url)
        activity = world.live(MORNING.total_seconds(), changes=25)
        gone, unreadable = sorted(activity.touched)[:2]
        world.delete(gone)
        world.put(unreadable, b'{"TaskWithNotes": "what is this?"}')
        _run(sync(), sandbox, url)
        _run(reconcile(), sandbox, url)
    with connect(url) as connection:
        connection.execute(_DOWNLOADED)
        refresh(connection)
        connection.execute(sql.SQL(_STOP_CLOCK).format(sql.Literal(NOW)))
        connection.execute("SET timezone = 'UTC'")
        yield connection


def _run(plan: Plan, sandbox: Sandbox, url: Secret) -> None:
    result = asyncio.run(run(plan, settings_for(sandbox, url)))
    if result.error:
        raise result.error


if __name__ == "__main__":
    main()
