"""A simulated ONLYOFFICE Workspace (Community Server), as https://api.onlyoffice.com/workspace describes it."""

from pyrus_etl.sandbox.limits.faults import Faults
from pyrus_etl.sandbox.onlyoffice.api import Onlyoffice
from pyrus_etl.sandbox.onlyoffice.options import Options, SilentQuota
from pyrus_etl.sandbox.onlyoffice.world import World
from pyrus_etl.sandbox.server.running import Running
from pyrus_etl.sandbox.server.service import Service

__all__ = ["OnlyofficeSandbox", "Options", "World", "service"]


def service(world: World, options: Options, faults: Faults | None = None) -> Service:
    quota = SilentQuota(*options.quota) if options.quota else None
    return Service(world, Onlyoffice(world, options), options, quota, faults)


class OnlyofficeSandbox(Running[Service]):
    """`with OnlyofficeSandbox(World(seed=7)) as portal: …` serves at `portal.url` until the block ends.

    The keyword arguments are the fields of `Options`.
    """

    def __init__(self, world: World, *, port: int = 0, faults: Faults | None = None, **options: object) -> None:
        self.options = Options(**options)  # type: ignore[arg-type]  # checked by the struct
        super().__init__(service(world, self.options, faults), port)
        self.world = world

    def __enter__(self) -> "OnlyofficeSandbox":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
