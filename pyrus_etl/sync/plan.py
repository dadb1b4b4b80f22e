"""A plan: what a run does once it is logged in."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from pyrus_etl.sync.session import Run


class Plan(NamedTuple):
    """What a run does. `kind`: its name in sync_runs and `--json`."""

    kind: str
    carry_out: Callable[[Run], Awaitable[None]]
