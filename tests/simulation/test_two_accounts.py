"""A few histories of two or three accounts; `python -m tests.simulation.two_accounts` plays more."""

import pytest

from pyrus_etl.settings import Secret
from tests.simulation.two_accounts import play


@pytest.mark.parametrize("seed", [1, 2])
def test_two_accounts_share_a_database_whatever_happens(database: Secret, seed: int) -> None:
    play(seed, database)
