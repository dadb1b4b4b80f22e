"""`push`: sends the rows of pyrus.outbox, shows what it would send, or takes a person's decision about a row."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import click

from pyrus_etl.cli.options import account_option, patience_of, read_settings, wait_option, with_settings
from pyrus_etl.cli.runs.running import Further, Ran, RunOptions, opened, run_options, run_plan
from pyrus_etl.cli.terminal.output import print_json
from pyrus_etl.errors import SettingsError
from pyrus_etl.extract.apis import access_of, api_of, each_account
from pyrus_etl.load.outbox import statuses, waiting
from pyrus_etl.load.outbox.senders import Member, team_of
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.store import Store
from pyrus_etl.schema.outbox import SENT, WAITING
from pyrus_etl.settings import Settings
from pyrus_etl.sync.outbox.outgoing import as_object, known_of, prepared, read
from pyrus_etl.sync.plans.push import members_of
from pyrus_etl.sync.plans.push import push as push_plan

SETTINGS = ("pyrus", "sync", "privacy", "alerts", "files", "log")
MOST_SHOWN = 1000
SHOWN_IN_TEXT = 20


@click.command()
@click.option("--dry-run", is_flag=True, help="Show row by row what would be sent; send nothing.")
@click.option(
    "--resolve",
    metavar="ID STATUS",
    nargs=2,
    help="Decide about a row that is unknown or refused: sent if it was applied, waiting to send it again.",
)
@wait_option
@account_option
@run_options
@with_settings(*SETTINGS)
def push(dry_run: bool, resolve: tuple[str, str] | None, wait: str | None, options: RunOptions) -> int:
    """Send the waiting rows of pyrus.outbox to Pyrus: comments, decisions, new tasks.

    Each row is applied exactly once, and the rows of a task in their order. It has to be switched on by
    PYRUS_ETL_WRITE. docs/write-back.md says what a row may have.

    \b
    Examples:  pyrus-etl push --dry-run
               pyrus-etl push
               pyrus-etl push --resolve 0192f3a4-5b6c-7d8e-9f00-112233445566 sent
    """
    settings = read_settings(quiet=options.is_quiet)
    if resolve:
        return _resolve(*resolve, settings, as_json=options.as_json)
    if dry_run:
        return _rehearse(settings, as_json=options.as_json)
    if not settings.write:
        raise SettingsError("PYRUS_ETL_WRITE is off, so nothing is written to Pyrus; set it to on, or use --dry-run.")
    patience = patience_of(wait)
    plan = push_plan(settings.write_files, members_of(settings))
    return run_plan(plan, settings, options._replace(patience=patience), then=_show_what_is_left)


def _show_what_is_left(ran: Sequence[Ran], options: RunOptions) -> Further:
    """The rows that each run has not sent, and why."""
    left: list[list[statuses.Ended]] = asyncio.run(
        _asked(ran[0].settings, _not_sent, [one.result.run_id for one in ran])
    )
    for one, rows in zip(ran, left, strict=True):
        if not options.as_json and options.has_to_show(one.result.exit_code):
            _show_rows(rows)
    return Further({}, of_each=[{"rows": [row._asdict() for row in rows[:MOST_SHOWN]]} for rows in left])


def _not_sent(connection: Connection, run_ids: Sequence[UUID]) -> list[list[statuses.Ended]]:
    return [statuses.not_sent(connection, run_id) for run_id in run_ids]


def _show_rows(rows: Sequence[statuses.Ended]) -> None:
    for row in rows[:SHOWN_IN_TEXT]:
        click.echo(f"  {row.status}  {row.outbox_id}  {_about(row.action, row.task_id)}: {row.error or ''}")
    if rows[SHOWN_IN_TEXT:]:
        click.echo(f"  and {len(rows) - SHOWN_IN_TEXT} more; see pyrus.outbox")


def _about(action: str, task_id: int | None) -> str:
    return action if task_id is None else f"{action} on task {task_id}"


def _rehearse(settings: Settings, *, as_json: bool) -> int:
    members, rows = members_of(settings), list[dict[str, Any]]()
    with opened(settings) as there:
        for own in each_account(there):
            found: list[dict[str, Any]] = asyncio.run(_asked(own, _rehearsed, own, members))
            rows += [{"account": own.account, **row} for row in found] if len(settings.accounts) > 1 else found
    if as_json:
        print_json({"rows": rows})
        return 0
    for row in rows:
        by = f"{row['account']}  " if "account" in row else ""
        about = f"{by}{row['outbox_id']}  {_about(row['action'], row['task_id'])}"
        if "error" in row:
            click.echo(f"{about}: {row['status']}: {row['error']}")
        elif "held_behind" in row:
            click.echo(f"{about}: held behind row {row['held_behind']}")
        else:
            click.echo(f"{about}: {row['request']} {_json(row['body'])}")
    more = ", the first that are due" if len(rows) == MOST_SHOWN else ""
    click.echo(f"{len(rows)} rows{more}; nothing was sent")
    return 0


def _json(body: dict[str, Any]) -> str:
    import msgspec

    return msgspec.json.encode(body).decode()


def _rehearsed(connection: Connection, settings: Settings, members: Sequence[Member]) -> list[dict[str, Any]]:
    """What an account would send; a row behind a refused one of the same task is held, and says behind which."""
    writes, team = api_of(settings).writes, team_of(connection, members, 0, access_of(settings).login)
    rows = read(waiting.due(connection, team, waiting.FIRST, MOST_SHOWN))
    known, refused, found = known_of(connection, rows), dict[int, str](), list[dict[str, Any]]()
    for entry, each in rows:
        row = as_object(prepared(entry, each, known, writes, settings.write_files), writes)
        if entry.task_id in refused:
            row["held_behind"] = refused[entry.task_id]
        elif "error" in row and entry.task_id is not None:
            refused[entry.task_id] = str(entry.outbox_id)
        found.append(row)
    return found


def _resolve(row: str, status: str, settings: Settings, *, as_json: bool) -> int:
    if status not in (SENT, WAITING):
        raise SettingsError(f"--resolve: {status!r} is not sent or waiting.")
    try:
        outbox_id = UUID(row)
    except ValueError as error:
        raise SettingsError(f"--resolve: {row!r} is not an outbox_id.") from error
    with opened(settings) as there:
        before = asyncio.run(_asked(there, statuses.resolve, outbox_id, status, in_transaction=True))
    if before is None:
        raise SettingsError(f"--resolve: pyrus.outbox has no row {outbox_id}.")
    if before not in ("unknown", "refused"):
        raise SettingsError(f"--resolve: row {outbox_id} is {before}; only an unknown or refused row can be resolved.")
    if as_json:
        print_json({"outbox_id": str(outbox_id), "before": before, "status": status})
    else:
        click.echo(f"row {outbox_id} was {before} and is {status}")
    return 0


async def _asked(settings: Settings, work: Any, *given: Any, in_transaction: bool = False) -> Any:
    assert settings.database_url
    async with Store(settings.database_url, settings.waits) as store:
        return await (store.transaction if in_transaction else store.query)(work, *given)
