"""A few histories with fixed seeds; `python -m tests.simulation` plays new ones."""

from collections.abc import Iterator

import pytest

from tests.conftest import TEMPLATE
from tests.servers import Server
from tests.simulation.crashing_files import play_files
from tests.simulation.hints import with_hints
from tests.simulation.history import History, history_of
from tests.simulation.history_v4 import HistoryV4, history_v4_of
from tests.simulation.killing_files import play_files_killed
from tests.simulation.killing_outbox import play_outbox_killed
from tests.simulation.machine import Machine
from tests.simulation.outbox_history import play_outbox
from tests.simulation.play import play
from tests.simulation.play_cluster import play_cluster
from tests.simulation.senders_history import play_senders
from tests.simulation.two_crashing import play_two_accounts
from tests.simulation.workers_history import play_workers


@pytest.fixture(scope="module")
def machine(postgresql_18: Server) -> Iterator[Machine]:
    with Machine(postgresql_18, TEMPLATE) as machine:
        yield machine


@pytest.mark.parametrize("seed", [1, 2])
def test_the_tables_equal_the_world_whenever_a_run_crashes(seed: int, machine: Machine) -> None:
    play(history_of(seed, length=4, share_of_kills=0), machine)


@pytest.mark.parametrize("history", [history_of(9, length=4, share_of_kills=0), history_v4_of(6, 3, share_of_kills=0)])
def test_no_hint_of_a_webhook_is_lost_or_harms(history: History | HistoryV4, machine: Machine) -> None:
    play(with_hints(history), machine)


def test_two_accounts_share_a_database_whenever_their_runs_crash(machine: Machine) -> None:
    totals = play_two_accounts(1, machine, length=4)

    assert totals.crashes > 0


def test_the_tables_equal_the_world_of_api_v4_whenever_a_run_crashes(machine: Machine) -> None:
    play(history_v4_of(1, length=4, share_of_kills=0), machine)


def test_a_seed_replays_its_history_over_api_v4(machine: Machine) -> None:
    history = history_v4_of(6, length=2, share_of_kills=0)

    assert play(history, machine) == play(history, machine)


def test_a_seed_replays_its_history_to_the_step(machine: Machine) -> None:
    history = history_of(7, length=2, share_of_kills=0)

    assert play(history, machine) == play(history, machine)


def test_the_tables_equal_the_world_whenever_a_process_is_killed(machine: Machine) -> None:
    play(history_of(1, length=3, share_of_kills=1), machine)


def test_the_tables_equal_the_world_of_api_v4_whenever_a_process_is_killed(machine: Machine) -> None:
    totals = play(history_v4_of(1, length=3, share_of_kills=1), machine)

    assert totals.over_v4 == 1


def test_files_are_whole_and_copied_once_whenever_a_run_crashes(machine: Machine) -> None:
    totals = play_files(2, machine, length=4)

    assert totals.crashes > 0


def test_files_are_whole_and_copied_once_whenever_a_process_is_killed(machine: Machine) -> None:
    play_files_killed(1, machine, length=3)


@pytest.mark.parametrize("seed", [2, 5])
def test_rows_of_the_outbox_are_applied_once_and_in_order_whenever_a_push_crashes(seed: int, machine: Machine) -> None:
    totals = play_outbox(seed, machine, length=4)

    assert totals.crashes > 0


def test_runs_with_workers_fetch_each_task_once_and_a_seed_replays_their_history_to_the_step(machine: Machine) -> None:
    totals = play_workers(6, machine, length=1)

    assert totals.processes > totals.runs
    assert totals == play_workers(6, machine, length=1)


def test_every_account_of_a_cluster_is_served_in_time_whatever_becomes_of_workers(machine: Machine) -> None:
    totals = play_cluster(4, machine, length=1)

    assert totals.processes > 3


def test_rows_of_the_outbox_are_applied_once_whenever_a_push_is_killed_or_frozen(machine: Machine) -> None:
    totals = play_outbox_killed(3, machine, length=2)

    assert totals.kills + totals.faults["freeze"] > 0


def test_rows_are_applied_once_and_in_order_by_who_may_send_them_whatever_becomes_of_pushes(machine: Machine) -> None:
    totals = play_senders(6, machine, length=2)

    assert totals.faults["freeze"] > 0
