"""The command line: the only package that prints or exits."""

import importlib
import logging
import signal
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

import click

from pyrus_etl.cli.terminal import streams
from pyrus_etl.errors import PyrusEtlError, SettingsError
from pyrus_etl.signals import heeded

if TYPE_CHECKING:
    from pyrus_etl.settings import Waits  # imported with the settings, so that `--help` is fast

COMMANDS = {
    "demo": ("demo.demo", "Try the whole pipeline without an account, against a simulated Pyrus."),
    "login": ("login", "Log in to Pyrus with a browser, and keep the token for later runs."),
    "logout": ("login", "Delete the token of `pyrus-etl login`."),
    "check": ("check", "Check settings, database, schema, login and a list request."),
    "backfill": ("runs.runs", "Fetch all tasks of a period, then catch up to now; resumable."),
    "sync": ("runs.runs", "Fetch what changed since the last run; on an empty database, everything."),
    "reconcile": ("runs.runs", "Compare Pyrus with the database: fetch missed tasks, mark deleted ones."),
    "serve": ("serve", "Keep up to date in one process that stays, and show health and metrics."),
    "cluster": ("cluster.cluster", "Say which accounts several machines keep up to date; pause and resume them."),
    "worker": ("cluster.worker", "Take work from the queue of a cluster, when one machine is not enough."),
    "status": ("status", "Show the last runs, cursors, lag, row counts and the number of tasks set aside."),
    "errors": ("runs.errors", "List or retry the tasks that were set aside."),
    "attachments": ("files.attachments", "Store the contents of attachments, and check what is stored."),
    "files": ("files.files", "Work with the files of tasks at Pyrus, Paymo and ONLYOFFICE."),
    "push": ("push", "Send the rows of pyrus.outbox to Pyrus: comments, decisions, new tasks."),
    "report": ("reports.report", "Write the reports as one HTML page of charts and tables that works offline."),
    "reports": ("reports.reports", "Create or update views of forms and catalogs; materialize slow reports."),
    "dbt": ("reports.dbt", "Write sources.yml for dbt: descriptions, keys as tests, freshness."),
    "db": ("db.db", "Manage the database: schema, access, URL, psql, a server for other programs."),
    "sandbox": ("demo.sandbox", "Run a simulated Pyrus to develop and test against."),
}

OF_CLUSTER = ("procrastinate", "psycopg_pool")
"""Packages that the extra `cluster` adds."""


class LazyGroup(click.Group):
    """Imports the module of a command only when the command is used, so that `--help` is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        try:
            module = importlib.import_module(f"pyrus_etl.cli.{COMMANDS[cmd_name][0]}")
        except ModuleNotFoundError as error:
            if missing := _missing_package(error):
                return _not_installed(cmd_name, missing)
            raise
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


def _not_installed(name: str, missing: SettingsError) -> click.Command:
    """A command whose packages are not installed: it only has help, which says so too."""

    def advise() -> NoReturn:
        raise missing

    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(name, anything, advise, help=f"{COMMANDS[name][1]}\n\n\b\n{missing}")


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pyrus-etl", prog_name="pyrus-etl")
def cli() -> None:
    """Copy Pyrus tasks, forms and approvals to PostgreSQL, and keep the copy up to date.

    \b
    Without an account:  pyrus-etl demo
    With an account:     export PYRUS_LOGIN=… PYRUS_SECURITY_KEY=…
                         pyrus-etl check && pyrus-etl sync

    Exit codes: 0 done; 1 internal error; 2 wrong usage or settings; 3 login refused; 4 Pyrus unreachable; 5 database
    unavailable; 6 done, but tasks were set aside; 7 another run holds the lock; 8 the data are older than status
    --max-age allows; 130 and 143 stopped by SIGINT or SIGTERM, after committing the work in hand.
    """


def main(waits: "Waits | None" = None) -> NoReturn:
    """Runs the command and exits with the codes of `pyrus_etl.errors`. Only a bug shows a traceback.

    Tests shorten the `waits`.
    """
    streams.prepare()
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in heeded():
        signal.signal(number, _exit_on_signal)
    try:
        code = cli(prog_name="pyrus-etl", standalone_mode=False, obj={"waits": waits}) or 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
        _print_failure(error.format_message(), code)
    except (KeyboardInterrupt, click.Abort):
        code = _report_signal(signal.SIGINT)
    except _Signalled as signalled:
        code = _report_signal(signalled.number)
    except PyrusEtlError as error:
        code = _report(error)
    except Exception as error:
        missing = _missing_package(error)
        code = _report(missing) if missing else _report_bug()
    sys.exit(code or _exit_code_of_output())


class _Signalled(SystemExit):
    """Ends the program because of a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


def _exit_on_signal(number: int, _: object) -> NoReturn:
    """Ends the program at once. Silences asyncio, which would print a traceback for each task that is cut short."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    raise _Signalled(number)


def _exit_code_of_output() -> int:
    """Returns the exit code of a command that did its work: 0 if its output could be written to stdout."""
    if (failure := streams.take_failure()) is None:
        return 0
    error = SettingsError(f"The output cannot be written: {failure.strerror}. Free some space or write it elsewhere.")
    click.echo(f"pyrus-etl: {error}", err=True)
    return error.exit_code


def _missing_package(error: Exception) -> SettingsError | None:
    """Returns the advice to install a package, if an import failed only because that package is not installed."""
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if package in ("", "pyrus_etl"):
        return None
    extra = "cluster" if package in OF_CLUSTER else "all"
    return SettingsError(f"The package {package} is not installed; run pip install 'pyrus-etl[{extra}]'.")


def _report_bug() -> int:
    click.echo("pyrus-etl: internal error; please report it with the traceback below.", err=True)
    traceback.print_exc()
    _print_failure("internal error", 1)
    return 1


def _report_signal(number: int) -> int:
    """For a command that a signal ended at once: with --json, prints an object if it has not. Returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second one shows no traceback
    if not streams.has_printed():
        _print_failure(f"Stopped by {signal.Signals(number).name}.", 128 + number)
    return 128 + number


def _report(error: PyrusEtlError) -> int:
    """Prints the error to stderr and, with --json, also as an object to stdout. Returns its exit code."""
    click.echo(f"pyrus-etl: {error}", err=True)
    _print_failure(str(error), error.exit_code)
    return error.exit_code


def _print_failure(error: str, exit_code: int) -> None:
    """For a command that ended before it could print its own object: prints one, with --json. Ends --quiet."""
    if "--quiet" in sys.argv:
        from pyrus_etl.cli.terminal.output import show_held_back

        show_held_back()
    if "--json" in sys.argv:
        from pyrus_etl.cli.terminal.output import print_json

        print_json({"status": "failed", "error": error, "exit_code": exit_code})
