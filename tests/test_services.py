"""Tests whose services are missing are skipped and counted, or fail if the services are required."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import CHECKOUT

SUITE = """
import pytest
from tests.services import need
from tests.conftest import pytest_configure, pytest_terminal_summary  # noqa

@pytest.mark.parametrize("number", range(3))
def test_needs(number):
    need("pgbouncer", there=False)

def test_needs_nothing():
    need("pgbouncer", there=True)

def test_of_something_else():
    pytest.skip("another reason")
"""


def session(folder: Path, requires: str) -> subprocess.CompletedProcess[str]:
    """Runs that suite on a machine without PgBouncer."""
    (folder / "conftest.py").write_text("from tests.conftest import pytest_configure, pytest_terminal_summary\n")
    (folder / "test_suite.py").write_text(SUITE)
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", "REQUIRE_SERVICES": requires}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300)


def test_skipped_tests_are_counted_at_the_end(tmp_path: Path) -> None:
    ended = session(tmp_path, requires="")

    assert ended.returncode == 0, ended.stdout
    assert re.search(r"Not tried on this machine.*\n +3 tests  PgBouncer: missing\n +1 test  another", ended.stdout)


def test_a_missing_required_service_fails_the_tests_that_need_it(tmp_path: Path) -> None:
    ended = session(tmp_path, requires="postgresql,pgbouncer")

    assert ended.returncode == 1
    assert "3 failed, 1 passed, 1 skipped" in ended.stdout
    assert "PgBouncer: required by REQUIRE_SERVICES and missing" in ended.stdout


def test_an_unknown_service_is_refused(tmp_path: Path) -> None:
    ended = session(tmp_path, requires="pgbounced")

    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "pgbounced is none of" in ended.stderr


UPDATE, INSTALL = "apt-get update -qq", "apt-get install -qq --no-install-recommends postgresql pgbouncer chromium"
TESTED = "make test with postgresql,pgbouncer,chromium"


@pytest.mark.parametrize(
    ("installed", "user", "apt", "calls"),
    [
        (True, 0, 0, [TESTED]),
        (False, 0, 0, [UPDATE, INSTALL, TESTED]),
        (False, 0, 1, [UPDATE, INSTALL, TESTED]),
        (False, 1000, 0, [TESTED]),
    ],
    ids=["installed", "to be installed", "not to be had", "not root"],
)
def test_ci_installs_missing_services_if_it_may_and_always_requires_all(
    tmp_path: Path, installed: bool, user: int, apt: int, calls: list[str]
) -> None:
    programs = {
        "dpkg": f"exit {0 if installed else 1}",
        "id": f"echo {user}",
        "apt-get": f'echo "apt-get $*" >> {tmp_path}/calls; exit {apt}',
        "make": f'echo "make $* with $REQUIRE_SERVICES" >> {tmp_path}/calls; exit 3',
    }
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    ended = subprocess.run([CHECKOUT / ".ci/run"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, cwd=tmp_path)

    assert (tmp_path / "calls").read_text().splitlines() == calls
    assert ended.returncode == 3, "that of the tests"
