"""The cost of reports on odd worlds, in rows that PostgreSQL handles: a few times the stored and returned rows."""

from typing import Any

import pytest
from psycopg.rows import scalar_row

from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.reports.page.figures import figures
from pyrus_etl.reports.views import views
from pyrus_etl.schema import metadata
from pyrus_etl.settings import Secret
from tests.benchmarks.worlds import WORLDS, build

SIZE = 500
A_FEW_TIMES = 75
SPILLED = "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"


@pytest.mark.parametrize("world", WORLDS)
def test_a_report_handles_at_most_a_few_times_the_rows_stored_and_returned(database: Secret, world: str) -> None:
    with connect(database) as connection:
        build(connection, world, SIZE)
        stored = sum(ask(connection, f"SELECT count(*) FROM {table}") for table in metadata.tables)
        plans = {view: explained(connection, f"SELECT * FROM pyrus_report.{view}") for view in views()}

    limits = {view: A_FEW_TIMES * (stored + plan["Actual Rows"]) for view, plan in plans.items()}
    assert {view: rows_handled(plan) for view, plan in plans.items() if rows_handled(plan) > limits[view]} == {}


@pytest.mark.parametrize("world", ["many projects", "many projects in deep trees"])
def test_the_page_over_many_projects_spills_less_than_is_stored(database: Secret, world: str) -> None:
    with connect(database) as connection:
        build(connection, world, 8 * SIZE)
        connection.execute("SET statement_timeout = '60s'")
        found = figures(connection)
        size = ask(connection, "SELECT pg_database_size(current_database())")

    with connect(database) as connection:  # temporary files are counted when a session ends
        assert ask(connection, SPILLED) < size
    assert found.tasks == 8 * SIZE


def ask(connection: Connection, query: str) -> Any:
    """Returns the single value of a query."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(query.encode()).fetchone()


def explained(connection: Connection, query: str) -> dict[str, Any]:
    """Returns the plan of a query with the number of rows of each node; an endless query is cancelled."""
    with connection.transaction():
        connection.execute("SET LOCAL statement_timeout = '60s'")
        plan: dict[str, Any] = ask(connection, f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}")[0]["Plan"]
    return plan


def rows_handled(plan: dict[str, Any]) -> int:
    """Counts the rows that the nodes of a plan returned or filtered out."""
    kinds = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    own = sum(plan.get(kind, 0) for kind in kinds) * plan["Actual Loops"]
    return int(own) + sum(rows_handled(below) for below in plan.get("Plans", []))
