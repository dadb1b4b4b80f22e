"""A counter is one line, from which its column, its comment and what a run prints come."""

from pyrus_etl.schema.counts import COPIES, COUNTERS, FILES, Counts
from pyrus_etl.schema.operation import sync_runs


def test_every_counter_is_a_column_of_sync_runs_and_every_number_there_is_a_counter() -> None:
    numbers = {column.name: column.comment for column in sync_runs.columns if str(column.server_default) != "None"}

    assert numbers == {counter.name: counter.comment for counter in COUNTERS}


def test_counts_are_added_counter_by_counter() -> None:
    both = Counts(tasks_listed=2, retries=1) + Counts(tasks_listed=3, requests=4)

    assert both == Counts(tasks_listed=5, requests=4, retries=1)


def test_a_run_prints_its_counts_in_a_line() -> None:
    assert list(Counts(tasks_listed=3, tasks_fetched=2, requests=5).summary()) == [
        "3 listed, 2 fetched, 0 changed, 0 unchanged, 0 deleted, 0 set aside, 5 requests, 0 retries"
    ]


def test_a_run_that_fetches_files_prints_counts_of_files() -> None:
    assert list(Counts(files_listed=3, files_stored=2, files_denied=1, bytes=5, requests=4).summary(FILES)) == [
        "3 listed, 2 stored, 0 skipped, 0 missing, 1 denied, 0 corrupt, 0 failed, 5 bytes, 4 requests, 0 retries",
        (
            "not stored: 1; see why in pyrus.attachment_contents, with --service in pyrus.service_file_contents; "
            "the next download tries again"
        ),
    ]


def test_a_run_that_copies_files_says_where_to_look_if_some_are_not_copied() -> None:
    assert [*Counts(files_listed=3, files_copied=2, files_failed=1).summary(COPIES)][1:] == [
        "not copied: 1; see why in pyrus.file_copies; the next mirror tries again"
    ]
    assert [*Counts(files_listed=3, files_copied=3).summary(COPIES)][1:] == []


def test_advice_is_printed_only_if_there_is_something_to_do() -> None:
    lines = list(Counts(tasks_failed=1, values_unreadable=4).summary())

    assert lines[1:] == [
        "see why tasks were set aside: pyrus-etl errors list",
        "4 values could not be read; pyrus.raw_tasks has them as served",
    ]
