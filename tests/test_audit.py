"""`make audit` prints the findings of pip-audit, and says so if pip-audit learned nothing."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.runs import CHECKOUT

GOOD = {"name": "good", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def audit(report: str) -> tuple[int, str]:
    command = [sys.executable, str(CHECKOUT / "config/audit.py")]
    process = subprocess.run(command, input=report, capture_output=True, text=True, timeout=120)
    return process.returncode, process.stdout


@pytest.mark.parametrize(
    ("packages", "code", "sentence"),
    [
        ([GOOD], 0, "Audited: 1 packages; with known vulnerabilities: none."),
        ([GOOD, BAD], 1, "bad 2: PYSEC-1, fixed in 2.1"),
        ([GOOD, UNKNOWN], 0, "1 of 2 packages"),
        ([BAD, UNKNOWN], 1, "1 of 2 packages"),
    ],
)
def test_every_finding_is_printed(packages: list[dict[str, Any]], code: int, sentence: str) -> None:
    ended, out = audit(json.dumps({"dependencies": packages}))

    assert ended == code
    assert sentence in out


@pytest.mark.parametrize("report", ["", "no JSON", json.dumps({"dependencies": [UNKNOWN]})])
def test_an_audit_that_learned_nothing_neither_fails_nor_gives_an_all_clear(report: str) -> None:
    code, out = audit(report)

    assert code == 0
    assert "audited" in out
    assert "with known vulnerabilities: none" not in out
