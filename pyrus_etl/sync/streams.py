"""The streams that tasks refer to: read whole at the end of a sync, and merged into tables that tasks share."""

from collections.abc import Callable
from typing import Any, NamedTuple

from pyrus_etl.model.stream import PEOPLE
from pyrus_etl.normalize.person import contact_rows
from pyrus_etl.schema.rows import Rows


class Stream(NamedTuple):
    """A stream, and how a thing in it becomes rows."""

    name: str
    rows: Callable[[Any], Rows]


DIRECTORY = (Stream(PEOPLE, contact_rows),)
