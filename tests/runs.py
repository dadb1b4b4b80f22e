"""Runs of the real code for tests: in this process, or as a program."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pyrus_etl.model.window import Window
from pyrus_etl.sandbox import Sandbox
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.reconcile import reconcile as reconcile_plan
from pyrus_etl.sync.plans.sync import sync as sync_plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run
from tests.conftest import environment_of, settings_for
from tests.forked import run_module

CHECKOUT = Path(__file__).parents[1]


def sync(sandbox: Sandbox, database: Secret, **environment: str) -> Result:
    """One `pyrus-etl sync`, in this process."""
    return carried_out(sync_plan(), sandbox, database, **environment)


def backfill(sandbox: Sandbox, database: Secret, period: Window = Window(), **environment: str) -> Result:  # noqa: B008
    """One `pyrus-etl backfill`, in this process."""
    return carried_out(backfill_plan(period), sandbox, database, **environment)


def reconcile(sandbox: Sandbox, database: Secret, **options: Any) -> Result:
    """One `pyrus-etl reconcile`, in this process."""
    return carried_out(reconcile_plan(**options), sandbox, database)


def carried_out(plan: Plan, sandbox: Sandbox, database: Secret, **environment: str) -> Result:
    """Returns the result of a run; raises the error that ended it early."""
    result = result_of(plan, sandbox, database, NO_LIMIT, **environment)
    if result.error is not None:
        raise result.error
    return result


def result_of(plan: Plan, sandbox: Sandbox, database: Secret, budget: Budget = NO_LIMIT, **environment: str) -> Result:
    """The result of a run, however it ended."""
    return asyncio.run(run(plan, settings_for(sandbox, database, **environment), budget=budget))


def program(
    *arguments: str, sandbox: Sandbox | None = None, database: Secret | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs `pyrus-etl` as a program, without the settings of this process, and waits for it."""
    return run_module(program_module(), list(arguments), program_environment(sandbox, database, **environment))


def command_line(*arguments: str) -> list[str]:
    """Returns the command line of the program with these arguments."""
    return [sys.executable, "-m", program_module(), *arguments]


def program_module() -> str:
    """See the fixture `impatient`."""
    return os.environ.get("TESTS_PROGRAM", "pyrus_etl")


def program_environment(sandbox: Sandbox | None, database: Secret | None, **environment: str) -> dict[str, str]:
    """Returns the environment of such a program; HOME and our settings must be given."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    found = environment_of(sandbox, database) if sandbox else {}
    if database is not None:
        found["DATABASE_URL"] = database.reveal()
    return {**inherited, "PYTHONPATH": str(CHECKOUT), **found, **environment}
