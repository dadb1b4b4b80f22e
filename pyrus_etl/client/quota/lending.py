"""What a process that needs requests and the lender of its quota tell each other."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple


class Closed(NamedTuple):
    """A lease of which `used` permits were used, and the seconds since its last answer."""

    lease_id: int
    used: int
    ago: float


class Report(NamedTuple):
    """What a holder tells the lender.

    `closed`: leases that it no longer needs. `in_flight`: those with requests in flight, which are renewed. `wanted`:
    the number of permits that it asks for. `held`: for how many seconds the server makes it wait.
    """

    closed: Sequence[Closed] = ()
    in_flight: Sequence[int] = ()
    wanted: int = 0
    held: float = 0.0


class Grant(NamedTuple):
    """What the lender answers: a lease, perhaps without permits, and the seconds until it expires.

    `used`: permits of all processes that count. `free_in`: seconds until the next of them no longer do. `held`:
    for how many seconds the server makes any process wait.
    """

    lease_id: int
    permits: int
    seconds: float
    used: int
    free_in: float
    held: float


Lend = Callable[[Report], Awaitable[Grant]]
