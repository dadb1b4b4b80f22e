"""A hint is stored until its task was fetched after the last webhook that named it."""

import psycopg

from pyrus_etl.load.progress.hints import forget, note_hints, waiting
from pyrus_etl.settings import Secret


def test_a_hint_that_came_again_stays_even_if_the_clock_was_set_back(database: Secret) -> None:
    with psycopg.connect(database.reveal(), autocommit=True) as connection:
        note_hints(connection, "bot", [1, 2])
        fetched = waiting(connection, "bot", 10)
        note_hints(connection, "bot", [2])
        connection.execute("UPDATE pyrus.sync_hints SET last_at = last_at - interval '1 hour' WHERE task_id = 2")
        forget(connection, "bot", fetched)
        left = waiting(connection, "bot", 10)
        forget(connection, "bot", left)

        assert [hint.task_id for hint in left] == [2]
        assert waiting(connection, "bot", 10) == []
