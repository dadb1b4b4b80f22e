"""A database with the reports of a small world and a stopped clock."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from pyrus_etl.load.tasks.batch import load
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.settings import Secret
from tests.loads import ACCOUNT, task_load, task_load_v4
from tests.normalize.reading import encoded, task_of
from tests.reports.as_v4 import projects_of, task_v4
from tests.reports.world import NOW, Json

FETCHED = datetime(2026, 3, 16, 11, tzinfo=UTC)
_STOPPED_CLOCK = f"""
    CREATE OR REPLACE VIEW pyrus_report.clock AS
    SELECT timestamptz '{NOW}+00' AS now, (timestamptz '{NOW}+00' AT TIME ZONE time_zone)::date AS today, time_zone
    FROM pyrus.report_settings
"""
_ADD_PROJECT = """
    INSERT INTO pyrus.projects (project_id, name, parent_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""


class Reports:
    """The reports of the loaded tasks."""

    def __init__(self, connection: Connection, api: str = "v3") -> None:
        self.connection = connection
        self.api = api
        connection.execute(_STOPPED_CLOCK.encode())

    def load(self, *tasks: Json) -> None:
        """Loads tasks as a run does, through the API of the test."""
        if self.api == "v4":
            self._add_projects(*tasks)
            self.load_v4(*map(task_v4, tasks))
            return
        with self.connection.transaction():
            load(self.connection, ACCOUNT, [_task_load(each) for each in tasks])

    def load_v4(self, *tasks: Json) -> None:
        """Loads tasks as API v4 serves them."""
        bodies = [encoded({"task": each}) for each in tasks]
        with self.connection.transaction():
            load(self.connection, ACCOUNT, [task_load_v4(body, fetched=FETCHED) for body in bodies])

    def _add_projects(self, *tasks: Json) -> None:
        for task in tasks:
            for project_id, (name, parent_id) in projects_of(task).items():
                self.connection.execute(_ADD_PROJECT, [project_id, name, parent_id])

    def set_time_zone(self, time_zone: str) -> None:
        """Sets the time zone in which the reports count days, weeks and hours."""
        self.connection.execute("UPDATE pyrus.report_settings SET time_zone = %s", [time_zone])

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Returns the rows of a query; `FROM view` means a view of pyrus_report, and times are in UTC."""
        with self.connection.transaction():
            self.connection.execute("SET LOCAL search_path = pyrus_report, pyrus")
            self.connection.execute("SET LOCAL timezone = 'UTC'")
            return self.connection.execute(query.encode()).fetchall()


@pytest.fixture
def reports(database: Secret, request: pytest.FixtureRequest) -> Iterator[Reports]:
    """Reports on an empty database; a test with `both_apis` runs once with tasks of each API."""
    with connect(database) as connection:
        yield Reports(connection, getattr(request, "param", "v3"))


def _task_load(task: Json) -> TaskLoad:
    body = encoded({"TaskWithNotes": task})
    return task_load(body, task_of(body)[0].last_change, FETCHED)
