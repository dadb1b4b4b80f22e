"""The ledger: how each task of a run comes from a list to its end, and what that does to counts and progress."""

from datetime import UTC, datetime
from typing import NamedTuple

from pyrus_etl.load.sharing.sightings import Compared
from pyrus_etl.load.tasks.rejected import Rejected
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.schema.counts import NONE, Counts
from pyrus_etl.schema.rows import Rows
from pyrus_etl.sync.tasks.ledger import Ledger
from pyrus_etl.sync.tasks.task import Arrival, Listed

MONDAY, TUESDAY = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)


class Sender(NamedTuple):
    requests: int = 0
    retries: int = 0


def listed(*task_ids: int, date: datetime | None = MONDAY, window_no: int | None = None) -> Listed:
    return Listed([TaskHeader(task_id, date) for task_id in task_ids], window_no)


def chosen(ledger: Ledger, tasks: Listed, stored: Compared = Compared()) -> list[int]:  # noqa: B008 -- frozen
    return [wanted.task_id for wanted in ledger.choose(tasks, stored)]


def loaded(task_id: int, window_no: int | None = None) -> Arrival:
    return Arrival(window_no, load=TaskLoad(task_id, Rows()))


def rejected(task_id: int, window_no: int | None = None) -> Arrival:
    return Arrival(window_no, failure=Rejected(task_id, "fetch", "refused", None, None))


def test_a_listed_task_is_wanted_under_its_date() -> None:
    (wanted,) = Ledger().choose(listed(1, window_no=4))

    assert (wanted.task_id, wanted.listed_date, wanted.window_no, wanted.is_listed) == (1, MONDAY, 4, True)


def test_a_task_that_is_listed_twice_in_a_list_is_wanted_once() -> None:
    assert chosen(Ledger(), listed(1, 1, 2)) == [1, 2]


def test_unchanged_tasks_and_those_of_another_account_are_not_wanted() -> None:
    stored = Compared(unchanged=frozenset({1}), left=frozenset({2}))

    assert chosen(Ledger(), listed(1, 2, 3), stored) == [3]


def test_a_task_in_flight_is_not_wanted_again() -> None:
    ledger = Ledger()
    ledger.choose(listed(1))

    assert chosen(ledger, listed(1, 2)) == [2]
    assert not ledger.is_idle


def test_a_loaded_task_is_forgotten() -> None:
    ledger = Ledger()
    ledger.choose(listed(1))
    ledger.commit([loaded(1)], NONE)

    assert ledger.is_idle
    assert chosen(ledger, listed(1, date=TUESDAY)) == [1]


def test_a_rejected_task_is_not_wanted_again_in_this_run() -> None:
    ledger = Ledger()
    ledger.choose(listed(1))
    ledger.commit([rejected(1)], NONE)

    assert chosen(ledger, listed(1, date=TUESDAY)) == []


def test_a_task_that_stays_as_it_is_stored_may_be_listed_later() -> None:
    ledger = Ledger()
    ledger.choose(listed(1))
    ledger.commit([Arrival(None, left=1)], NONE)

    assert chosen(ledger, listed(1)) == [1]


def test_a_task_that_is_listed_with_another_date_while_in_flight_is_asked_for_again() -> None:
    ledger = Ledger()
    ledger.choose(listed(1, 2, 3))
    ledger.choose(Listed([TaskHeader(1, TUESDAY), TaskHeader(2, MONDAY), TaskHeader(3, None)]))
    ledger.commit([loaded(1), loaded(2), loaded(3)], NONE)

    assert ledger.listed_again() == [TaskHeader(1, TUESDAY)]
    assert chosen(ledger, Listed(ledger.listed_again())) == [1]
    assert ledger.listed_again() == []


def test_a_task_that_an_earlier_run_rejected_is_wanted_under_the_date_that_it_had() -> None:
    ledger = Ledger()
    ledger.note_rejected({1: MONDAY})
    (wanted,) = ledger.choose(listed(1, date=None))

    assert wanted.listed_date == MONDAY


def test_a_task_that_recovered_is_wanted_again_only_if_a_list_has_a_date_of_it() -> None:
    ledger = Ledger()
    ledger.note_rejected({1: None})
    ledger.choose(listed(1, date=None))
    ledger.commit([loaded(1)], NONE)

    assert chosen(ledger, listed(1, date=None)) == []
    assert chosen(ledger, listed(1)) == [1]


def test_a_doubted_task_is_asked_for_once_even_if_it_is_unchanged() -> None:
    ledger = Ledger()
    ledger.note_doubted({1: MONDAY, 2: MONDAY})
    stored = Compared(unchanged=frozenset({1, 2, 3}))

    assert ledger.trusted(stored.unchanged) == {3}
    (wanted,) = ledger.choose(listed(1, 3, date=None), stored)
    assert (wanted.task_id, wanted.is_doubted, wanted.listed_date) == (1, True, MONDAY)
    assert ledger.doubted() == [TaskHeader(2, MONDAY)]
    assert [again.is_listed for again in ledger.choose(Listed(ledger.doubted(), stored=True))] == [False]
    ledger.commit([loaded(1), loaded(2)], NONE)
    assert chosen(ledger, listed(1, 2), stored) == []


def test_a_window_is_finished_by_the_last_of_its_tasks() -> None:
    ledger = Ledger()
    ledger.choose(listed(1, 2, window_no=1))
    ledger.choose(listed(3, window_no=2))
    first = [loaded(1, 1), rejected(3, 2)]

    assert ledger.finished_by(first) == [2]
    ledger.commit(first, NONE)
    assert ledger.finished_by([loaded(2, 1)]) == [1]


def test_a_window_with_nothing_to_fetch_is_finished_by_an_arrival_without_a_task() -> None:
    ledger = Ledger()
    ledger.choose(listed(1, window_no=1), Compared(unchanged=frozenset({1})))

    assert ledger.finished_by([Arrival(1)]) == [1]


def test_what_belongs_to_no_window_finishes_none() -> None:
    ledger = Ledger()
    ledger.choose(listed(1))

    assert ledger.finished_by([loaded(1)]) == []


def test_lists_and_batches_are_counted_and_requests_come_from_their_sender() -> None:
    ledger = Ledger()
    ledger.choose(listed(1, 2, 3, 3), Compared(unchanged=frozenset({1}), left=frozenset({2})))
    ledger.commit([loaded(3)], Counts(tasks_fetched=1, tasks_changed=1))

    assert ledger.counts(Sender(requests=7, retries=2)) == Counts(
        tasks_listed=4, tasks_unchanged=1, tasks_fetched=1, tasks_changed=1, requests=7, retries=2
    )


def test_the_progress_follows_the_tasks_and_the_windows() -> None:
    ledger = Ledger()
    ledger.choose(listed(1, 2, 3, window_no=1))
    ledger.note_windows(listed=1, left=2)
    ledger.commit([loaded(1, 1), rejected(2, 1)], NONE)

    progress = ledger.progress
    assert (progress.tasks_wanted, progress.tasks_done, progress.windows_listed) == (3, 2, 1)
    assert progress.tasks_expected == 9


def test_faults_of_the_server_are_counted_in_a_row_except_those_of_tasks_rejected_before() -> None:
    ledger = Ledger()
    ledger.note_rejected({9: None})

    assert [ledger.note_fault(task_id) for task_id in (1, 2, 9)] == [1, 2, 2]
    ledger.note_answer()
    assert ledger.note_fault(3) == 1


def test_refused_tasks_are_counted_in_a_row_until_one_is_loaded() -> None:
    ledger = Ledger()
    ledger.choose(listed(1, 2, 3))

    assert [ledger.note_refusal(task_id) for task_id in (1, 2)] == [1, 2]
    ledger.commit([loaded(3)], NONE)
    assert ledger.note_refusal(1) == 1


def test_the_ledger_remembers_no_task_that_the_rest_of_the_run_does_not_need() -> None:
    ledger = Ledger()
    ledger.choose(listed(*range(1000)))
    ledger.commit([loaded(task_id) for task_id in range(999)] + [rejected(999)], NONE)

    assert len(ledger) == 1
