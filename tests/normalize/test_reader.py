"""The version of the reader changes if the same bodies give other rows."""

import hashlib
from typing import Any

from pyrus_etl.sandbox import World
from pyrus_etl.schema.raw import READER
from tests.load.test_api_v4 import TASK
from tests.normalize.reading import FULL, encoded, read
from tests.normalize.reading_v4 import read_body

FIRST = ("e5b2ef6de022d5b0", "2206810eff380cee")
ROWS = {1: FIRST, 2: FIRST}
"""Digests of the rows that each version of the reader makes from the bodies of v3 and v4 below. The second also reads
sizes served as text, and keeps empty rows of a catalog: these bodies have neither."""


def test_other_rows_of_the_same_bodies_are_another_version_of_the_reader() -> None:
    world = World(3, tasks=40)
    of_v3 = [read(body).tables for body in (FULL, *map(world.body, world.task_ids()))]
    of_v4 = list(read_body(encoded({"task": TASK})).tables.items())
    rows = [[(name, sorted(table.items())) for name, table in one.items()] for one in of_v3]

    assert ROWS[READER] == (digest(rows), digest(of_v4)), "raise READER: stored bodies have to be read again"


def digest(rows: list[Any]) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]
