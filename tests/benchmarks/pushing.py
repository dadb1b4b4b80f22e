"""`push` measured: comments into the sandbox, the rows of a task in their order; then with one answer in eight lost."""

from collections.abc import Iterator

import psycopg

from pyrus_etl.settings import Secret
from tests.benchmarks.figure import Figure
from tests.benchmarks.measures import duration
from tests.benchmarks.stand import NO_QUOTA, Stand, World, program, world

PER_TASK = 10
INSERT = """
    INSERT INTO pyrus.outbox (action, task_id, body)
    SELECT 'comment', task_id, jsonb_build_object('text', 'row ' || no)
    FROM (SELECT task_id FROM pyrus.tasks ORDER BY task_id LIMIT %s) AS chosen
    CROSS JOIN generate_series(1, %s) AS no ORDER BY no, task_id
"""
FOUND = """
    SELECT count(*), count(DISTINCT (task_id, text)), count(*) FILTER (WHERE place <> number)
    FROM (
        SELECT task_id, text, substring(text FROM 5)::int AS number,
               row_number() OVER (PARTITION BY task_id ORDER BY note_no) AS place
        FROM pyrus.notes WHERE text LIKE 'row %'
    ) AS made
"""


def pushing(stand: Stand, rows: int, lossy: int) -> Iterator[Figure]:
    """Rows at sixteen in flight; the speed is that of the run, reading back included, without start-up."""
    for api in ("v3", "v4"):
        with world(lossy // PER_TASK, "--api", api) as served, stand.database("bench_push") as database:
            program("sync", world=served, database=database, PYRUS_ETL_QUOTA=NO_QUOTA)
            speed = rows / _pushed(served, database, rows)
            yield Figure(f"push over {api}, {rows:,} rows", speed, "rows/s", "≥ 100", speed >= 100)
            made, distinct, misplaced = _found(database)
            yield Figure("its rows out of order, twice or missing", misplaced + made - distinct + rows - made, "")
    with world(lossy // PER_TASK, "--api", "v4") as served, stand.database("bench_push") as database:
        program("sync", world=served, database=database, PYRUS_ETL_QUOTA=NO_QUOTA)
        served.do("faults", every=8, kinds=["lost", "reset", "gateway", "error"], endpoints=["writes"])
        speed = lossy / _pushed(served, database, lossy)
        made, distinct, misplaced = _found(database)
        yield Figure(f"push, {lossy:,} rows, one answer in eight lost", speed, "rows/s")
        twice, missing = made - distinct, lossy - distinct
        yield Figure("its rows applied twice", twice, "", "0", twice == 0)
        yield Figure("its rows missing, or out of order", missing + misplaced, "", "0", missing + misplaced == 0)


def _pushed(served: World, database: Secret, rows: int) -> float:
    """Inserts rows and pushes them; returns the seconds that the run took."""
    with psycopg.connect(database.reveal(), autocommit=True) as connection:
        connection.execute(INSERT.encode(), [rows // PER_TASK, PER_TASK])
    ran = program("push", "--json", world=served, database=database, PYRUS_ETL_WRITE="on", PYRUS_ETL_QUOTA=NO_QUOTA)
    assert ran.report["rows_sent"] == rows, ran.report
    return duration(ran.report)


def _found(database: Secret) -> tuple[int, int, int]:
    """The notes that the rows have made, as they were read back: all, the distinct ones, those out of order."""
    with psycopg.connect(database.reveal(), autocommit=True) as connection:
        ((made, distinct, misplaced),) = connection.execute(FOUND.encode()).fetchall()
    return made, distinct, misplaced
