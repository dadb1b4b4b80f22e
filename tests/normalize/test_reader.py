"""The version of the reader changes if the same bodies give other rows."""

import hashlib

from pyrus_etl.sandbox import World
from pyrus_etl.schema.raw import READER
from tests.normalize.reading import FULL, read

ROWS = {1: "1b0751e1aab0c37e"}
"""A digest of the rows that each version of the reader makes from the bodies below."""


def test_other_rows_of_the_same_bodies_are_another_version_of_the_reader() -> None:
    world = World(3, tasks=40)
    rows = [read(body).tables for body in (FULL, *map(world.body, world.task_ids()))]
    digest = hashlib.sha256(
        repr([[(name, sorted(table.items())) for name, table in one.items()] for one in rows]).encode()
    )

    assert ROWS[READER] == digest.hexdigest()[:16], "raise READER: stored bodies have to be read again"
