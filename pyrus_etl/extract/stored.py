"""Stored bodies → model, by the API that served them."""

from collections.abc import Callable

from pyrus_etl.extract.v3 import api
from pyrus_etl.model.task import Task

READERS: dict[str, Callable[[bytes], tuple[Task, int]]] = {api.API: api.read_stored}
"""What reads a stored body of each API: the task, and how many values in it could not be read."""
