"""A dozen histories with fixed seeds; `python -m tests.simulation` plays new ones."""

from collections.abc import Iterator

import pytest

from tests.conftest import TEMPLATE
from tests.servers import Server
from tests.simulation.history import history_of
from tests.simulation.play import play
from tests.simulation.runs import Launcher


@pytest.fixture(scope="module")
def launchers() -> Iterator[tuple[Launcher, Launcher]]:
    with Launcher() as runner, Launcher() as rival:
        yield runner, rival


@pytest.mark.parametrize("seed", range(1, 13))
def test_the_tables_equal_the_world_whatever_happens(
    seed: int, postgresql_18: Server, launchers: tuple[Launcher, Launcher]
) -> None:
    play(history_of(seed, length=5), postgresql_18, TEMPLATE, launchers)
