"""What a process that needs requests and the ledger of its quota tell each other."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple


class Closed(NamedTuple):
    """A slice of which `used` permits were used, and the seconds since its last answer."""

    slice_id: int
    used: int
    ago: float


class Report(NamedTuple):
    """What a holder tells the ledger.

    `closed`: slices that it no longer needs. `in_flight`: those with requests in flight, whose leases go on. `wanted`:
    the number of permits that it asks for. `held`: for how many seconds the server makes it wait.
    """

    closed: Sequence[Closed] = ()
    in_flight: Sequence[int] = ()
    wanted: int = 0
    held: float = 0.0


class Grant(NamedTuple):
    """What the ledger answers: a slice, perhaps without permits, and the seconds of its lease.

    `used`: permits of all processes that count. `free_in`: seconds until the next of them no longer do. `held`:
    for how many seconds the server makes any process wait.
    """

    slice_id: int
    permits: int
    lease: float
    used: int
    free_in: float
    held: float


Lend = Callable[[Report], Awaitable[Grant]]
