"""`make audit` says what pip-audit found, and also that it found nothing out."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.runs import CHECKOUT

GOOD = {"name": "good", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def audit(told: str) -> tuple[int, str]:
    command = [sys.executable, str(CHECKOUT / "config/audit.py")]
    process = subprocess.run(command, input=told, capture_output=True, text=True, timeout=30)
    return process.returncode, process.stdout


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([GOOD], 0, "Audited: 1 packages; with known vulnerabilities: none."),
        ([GOOD, BAD], 1, "bad 2: PYSEC-1, mended in 2.1"),
        ([GOOD, UNKNOWN], 0, "1 of 2 packages"),
        ([BAD, UNKNOWN], 1, "1 of 2 packages"),
    ],
)
def test_what_was_found_is_told(packages: list[dict[str, Any]], code: int, said: str) -> None:
    ended, out = audit(json.dumps({"dependencies": packages}))

    assert ended == code
    assert said in out


@pytest.mark.parametrize("told", ["", "no JSON", json.dumps({"dependencies": [UNKNOWN]})])
def test_an_audit_that_learnt_nothing_does_not_fail_and_gives_no_all_clear(told: str) -> None:
    code, out = audit(told)

    assert code == 0
    assert "audited" in out
    assert "with known vulnerabilities: none" not in out
