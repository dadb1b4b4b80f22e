"""A simulated Paymo, as https://github.com/paymoapp/api describes it."""

from pyrus_etl.sandbox.limits.faults import Faults
from pyrus_etl.sandbox.paymo.api import Paymo
from pyrus_etl.sandbox.paymo.options import Options, PaymoQuota
from pyrus_etl.sandbox.paymo.world import World
from pyrus_etl.sandbox.server.running import Running
from pyrus_etl.sandbox.server.service import Service

__all__ = ["Options", "PaymoSandbox", "World", "service"]


def service(world: World, options: Options, faults: Faults | None = None) -> Service:
    quota = PaymoQuota(*options.quota) if options.quota else None
    return Service(world, Paymo(world, options), options, quota, faults)


class PaymoSandbox(Running[Service]):
    """`with PaymoSandbox(World(seed=7)) as paymo: …` serves at `paymo.url` until the block ends.

    The keyword arguments are the fields of `Options`.
    """

    def __init__(self, world: World, *, port: int = 0, faults: Faults | None = None, **options: object) -> None:
        self.options = Options(**options)  # type: ignore[arg-type]  # checked by the struct
        super().__init__(service(world, self.options, faults), port)
        self.world = world

    def __enter__(self) -> "PaymoSandbox":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
