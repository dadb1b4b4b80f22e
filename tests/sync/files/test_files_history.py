"""Random histories of other services: whatever happens to files between runs and during them, a whole run ends with
service_files equal to the world, and with nothing marked as deleted that is there.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from pyrus_etl.sandbox import Faults, onlyoffice, paymo
from pyrus_etl.sandbox.limits.faults import Fault
from pyrus_etl.settings import Secret
from pyrus_etl.sync.run import Budget
from tests.sync.files.test_files import GONE, of_onlyoffice, of_paymo, result_of, stored
from tests.typing import Query

RUNS = 6
CHANGES = 8
FAULTS: tuple[Fault, ...] = ("error", "unavailable", "reset", "short", "html")


def change_of_paymo(world: paymo.World, dice: Random) -> None:
    """Anything that can happen to the files of a company."""
    files, projects = world.ids("files"), world.ids("projects")
    target: dict[str, int] = dict([dice.choice([("task_id", each) for each in world.ids("tasks")])])
    change: Callable[[], Any] = dice.choice(
        [
            lambda: world.add_file(f"file {dice.randrange(99)}.txt", "x" * dice.randrange(99), "", **target),
            lambda: world.change_file(dice.choice(files), original_filename=f"renamed {dice.randrange(99)}"),
            lambda: world.move_file(dice.choice(files), **target),
            lambda: world.remove_file(dice.choice(files)),
            lambda: world.forbid(dice.choice(projects)),
            lambda: world.permit(dice.choice(projects)),
            lambda: world.remove_project(projects[-1]) if len(projects) > 2 and dice.random() < 0.2 else None,
        ]
    )
    change()


def change_of_onlyoffice(world: onlyoffice.World, dice: Random) -> None:
    """Anything that can happen to the files of a portal."""
    files = [each for each in world.ids("files") if each not in world.trash]
    folders, projects, task = world.ids("folders"), world.ids("projects"), dice.choice(world.ids("tasks"))
    project = world.tables["tasks"][task]["projectId"]
    beside = [each for each in files if world.tables["folders"][world.file(each)["folderId"]]["projectId"] == project]
    change: Callable[[], Any] = dice.choice(
        [
            lambda: world.add_file(dice.choice(folders), f"file {dice.randrange(9)}.txt", "x" * dice.randint(1, 99)),
            lambda: world.rename(dice.choice(files), f"renamed {dice.randrange(99)}"),
            lambda: world.attach("tasks", task, [dice.choice(beside)]) if beside else None,
            lambda: world.attached.pop(dice.choice(list(world.attached))) if world.attached else None,
            lambda: world.remove(dice.choice(files), immediately=dice.random() < 0.5),
            lambda: world.forbid(dice.choice(projects)),
            lambda: world.permit(dice.choice(projects)),
        ]
    )
    change()


@pytest.mark.parametrize("seed", range(1, 4))
def test_the_files_of_paymo_equal_the_world(seed: int, database: Secret, query: Query, impatient: None) -> None:
    with paymo.PaymoSandbox(paymo.World(seed, tasks=3), most_page=4) as server:
        play(server, change_of_paymo, of_paymo, "paymo", Random(seed), database, query)


@pytest.mark.parametrize("seed", range(1, 4))
def test_the_files_of_onlyoffice_equal_the_world(seed: int, database: Secret, query: Query, impatient: None) -> None:
    with onlyoffice.OnlyofficeSandbox(onlyoffice.World(seed, tasks=3), items_per_page=3) as server:
        play(server, change_of_onlyoffice, of_onlyoffice, "onlyoffice", Random(seed), database, query)


def play(server: Any, change: Any, rows_of: Any, service: str, dice: Random, database: Secret, query: Query) -> None:
    """Runs with faults and budgets between changes, and after each of them, what is marked as deleted is not there."""
    for _ in range(RUNS):
        for _ in range(dice.randrange(CHANGES)):
            change(server.world, dice)
        server.faults = Faults(every=dice.choice((0, 3, 7)), kinds=FAULTS)
        result_of(server, database, Budget(requests=dice.choice((None, None, 5, 20))))
        there = {str(each) for each in server.world.ids("files")} - {
            str(each) for each in getattr(server.world, "trash", ())
        }
        assert {file_id for (file_id,) in query(database, GONE)} & there == set()
    server.faults = Faults()
    server.world.forbidden.clear()

    assert result_of(server, database).exit_code == 0
    assert stored(query, database, service) == rows_of(server.world)
