"""What works on Windows, tried on this system: a program in which everything that Windows lacks is missing.

It cannot show how Windows itself behaves, only that nothing asks for what is not there.
"""

import json
import subprocess
import sys
from pathlib import Path

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import program_environment
from tests.typing import Query

ON_WINDOWS = r"""
import asyncio, json, os, signal, subprocess, sys, tempfile
import aiohttp, alembic.command, fasteners, msgspec, obstore, platformdirs
import prometheus_client, psycopg, rich.progress, sqlalchemy

def refused(*_):
    raise NotImplementedError

asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler = refused
asyncio.unix_events._UnixSelectorEventLoop.remove_signal_handler = refused
for module in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[module] = None
FUNCTIONS = "chown fchmod fchown fork getegid geteuid getgid getuid killpg lchown mkfifo setsid statvfs"
FLAGS = "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK"
SIGNALS = "SIGALRM SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 pthread_sigmask setitimer"
for module, names in ((os, f"{FUNCTIONS} {FLAGS}"), (signal, SIGNALS)):
    for name in names.split():
        delattr(module, name)
os.supports_dir_fd = os.supports_fd = os.supports_follow_symlinks = frozenset()

from pyrus_etl.cli import main

def ended(arguments):
    sys.argv = ["pyrus-etl", *arguments]
    try:
        main()
    except SystemExit as end:
        return end.code

from pyrus_etl.sync.stop import Stop, stopped_by_signals

async def interrupted():
    with stopped_by_signals(stop := Stop()):
        signal.raise_signal(signal.SIGINT)
        await stop.asked.wait()
    return stop.reason.exit_code

codes = [ended(command.split()) for command in sys.argv[1:]]
del os.environ["DATABASE_URL"]
codes.append(ended(["status"]))
codes.append(asyncio.run(interrupted()))
print(json.dumps(codes), file=sys.stderr)
"""
WORK = {
    "check": 0,
    "sync --refresh": 0,
    "reconcile --quiet": 0,
    "status --metrics pyrus.prom": 0,
    "report --html pyrus.html": 0,
    "db upgrade": 0,
    "attachments download --to folder": 2,
    "demo": 2,
}


def test_a_client_with_a_database_url_works_where_posix_is_missing(
    database: Secret, query: Query, tmp_path: Path
) -> None:
    with Sandbox(World(1, tasks=10)) as sandbox:
        ended = subprocess.run(
            [sys.executable, "-c", ON_WINDOWS, *WORK],
            env=program_environment(sandbox, database, PYRUS_API="v4"),
            capture_output=True,
            text=True,
            check=False,
        )

    assert json.loads(ended.stderr.splitlines()[-1]) == [*WORK.values(), 2, 130], ended.stderr
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(10,)]
    assert (tmp_path / "pyrus.html").exists()
    assert "this system cannot keep contents in a folder safely; name a part of a bucket" in ended.stderr
    assert ended.stderr.count("is only for Linux and macOS; use a server of your own: set DATABASE_URL") == 2
    assert "Traceback" not in ended.stderr
