"""The simulation's own connection to the database, which survives a restart of the server."""

import threading
from collections.abc import Callable
from time import monotonic, sleep  # the real ones, because `passing` replaces them
from typing import Any, TypeVar

import psycopg

from pyrus_etl.settings import Secret

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

LONGEST_RESTART = 20.0


class Steady:
    """One thread uses it at a time. `opened` is called with every new connection, including the first."""

    def __init__(self, database: Secret, name: str, opened: Callable[[Connection], object] = lambda _: None) -> None:
        self._url, self._name, self._opened = database, name, opened
        self._one_at_a_time = threading.RLock()
        self._connection = self._open()

    def close(self) -> None:
        self._connection.close()

    def do(self, work: Callable[[Connection], T]) -> T:
        """Does the work, and repeats it if the connection was cut: it must be safe to repeat."""
        with self._one_at_a_time:
            end = monotonic() + LONGEST_RESTART
            while True:
                try:
                    if self._connection.closed:
                        self._connection = self._open()
                    return work(self._connection)
                except psycopg.OperationalError:
                    if not self._is_cut() or monotonic() > end:
                        raise
                    sleep(0.05)

    def execute(self, statement: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a statement."""

        def work(connection: Connection) -> list[tuple[Any, ...]]:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

        return self.do(work)

    def _open(self) -> Connection:
        connection = psycopg.connect(self._url.reveal(), autocommit=True, application_name=self._name)
        self._opened(connection)
        return connection

    def _is_cut(self) -> bool:
        return self._connection.closed or self._connection.broken
