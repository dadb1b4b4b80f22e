"""How the end of a slice decides when the next one is due."""

import pytest

from pyrus_etl.cluster.outcomes import LATER, Outcome, outcome_of
from pyrus_etl.errors import (
    BudgetSpent,
    CensusDoubted,
    DatabaseUnavailable,
    LockHeld,
    LoginRefused,
    PyrusUnreachable,
    SettingsError,
    Stopped,
)


@pytest.mark.parametrize(
    ("error", "code", "failures", "outcome"),
    [
        (None, 0, 3, Outcome(0, complete=True)),
        (None, 6, 0, Outcome(6, complete=True)),
        (CensusDoubted("doubted"), 6, 0, Outcome(6, "doubted", complete=True)),
        (BudgetSpent("spent"), 0, 0, Outcome(0, after=0.0)),
        (LockHeld("held"), 7, 2, Outcome(7, "held", after=LATER)),
        (PyrusUnreachable("away"), 4, 0, Outcome(4, "away", after=5.0, failed=True)),
        (PyrusUnreachable("away"), 4, 2, Outcome(4, "away", after=20.0, failed=True)),
        (DatabaseUnavailable("away"), 5, 50, Outcome(5, "away", after=300.0, failed=True)),
        (SettingsError("no file"), 2, 0, Outcome(2, "no file", after=5.0, failed=True)),
    ],
)
def test_an_outcome(error: Exception | None, code: int, failures: int, outcome: Outcome) -> None:
    assert outcome_of(error, code, failures) == outcome


def test_a_stopped_slice_is_due_at_once_a_refused_login_waits_for_a_person_and_a_bug_counts_as_a_death() -> None:
    assert outcome_of(Stopped(15), 143, 0).after == 0.0
    assert "pyrus-etl cluster resume" in str(outcome_of(LoginRefused("no"), 3, 0).paused_because)

    bug = outcome_of(ZeroDivisionError("secret"), 0, 0)
    assert (bug.exit_code, bug.died, bug.after) == (1, True, 5.0)
    assert "secret" not in str(bug.error)
