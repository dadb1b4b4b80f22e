"""The command line: the only room that prints or exits."""

import importlib
import logging
import signal
import sys
import traceback
from typing import NoReturn

import click

from pyrus_etl.cli import streams
from pyrus_etl.errors import PyrusEtlError, SettingsError

COMMANDS = {
    "demo": ("demo", "The whole road with no account: a simulated Pyrus, backfill, changes, sync, reports."),
    "check": ("check", "Settings, database, schema, login and one list call, with the remedy if one fails."),
    "backfill": ("runs", "Everything in a period, resumable; then up to now."),
    "sync": ("runs", "What changed since the last run; on an empty database everything."),
    "reconcile": ("runs", "A census against what is stored: fetches what was missed, marks what is gone."),
    "status": ("status", "Last runs, cursors, lag, counts by table, open errors."),
    "errors": ("errors", "Tasks set aside: list them, try them again."),
    "report": ("report", "One HTML page of charts and tables, to open offline or to send around."),
    "reports": ("reports", "The reports: a wide view for every form, kept up to its fields."),
    "db": ("db", "The database: schema, URL, a shell, a server to query."),
    "sandbox": ("sandbox", "A simulated Pyrus, to develop and to try against."),
}

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end a command in good order: SIGHUP comes when its terminal is gone."""


class LazyGroup(click.Group):
    """Imports a command's module when it is called for, so that `--help` comes at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pyrus_etl.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pyrus-etl", prog_name="pyrus-etl")
def cli() -> None:
    """Pyrus tasks, forms and approvals in PostgreSQL.

    \b
    Try it without an account:   pyrus-etl demo
    With an account:             export PYRUS_LOGIN=… PYRUS_SECURITY_KEY=… PYRUS_CLIENT_ID=…
                                 pyrus-etl check && pyrus-etl sync

    Exit codes: 0 done, 1 a fault of ours, 2 usage or settings, 3 login refused, 4 Pyrus unreachable,
    5 database, 6 done but tasks were set aside, 7 another run holds the lock.
    """


def main() -> NoReturn:
    """Runs the command and exits with the code that the README promises; only our own faults show a traceback."""
    streams.prepare()
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, _end)
    try:
        code = cli(prog_name="pyrus-etl", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        code = 128 + signal.SIGINT
    except PyrusEtlError as error:
        code = _report(error)
    except Exception:
        click.echo("pyrus-etl: a fault of ours; please report it with these lines.", err=True)
        traceback.print_exc()
        code = 1
    sys.exit(code or _unwritten())


def _end(number: int, _: object) -> NoReturn:
    """Ends the program at once; asyncio is not to report the tasks that this cuts short, with a traceback each."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    sys.exit(128 + number)


def _unwritten() -> int:
    """The exit code of a command that did its work, by whether stdout took what it printed."""
    if (failure := streams.take_failure()) is None:
        return 0
    error = SettingsError(f"The output cannot be written: {failure.strerror}. Free some room or write it elsewhere.")
    click.echo(f"pyrus-etl: {error}", err=True)
    return error.exit_code


def _report(error: PyrusEtlError) -> int:
    """One sentence on stderr; with --json, the same as an object on stdout."""
    click.echo(f"pyrus-etl: {error}", err=True)
    if "--json" in sys.argv:
        from pyrus_etl.cli.output import print_json

        print_json({"status": "failed", "error": str(error), "exit_code": error.exit_code})
    return error.exit_code
