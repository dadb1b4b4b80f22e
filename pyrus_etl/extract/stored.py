"""Stored bodies → model, by the reader of the API that served them."""

from collections.abc import Callable

from pyrus_etl.extract.v3 import api
from pyrus_etl.model.task import Task

READERS: dict[str, Callable[[bytes], tuple[Task, int]]] = {api.API: api.read_stored}
"""API → the reader of its stored bodies, which returns the task and the number of unreadable values."""
