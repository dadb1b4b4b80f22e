"""What stands behind the server: the world, and whatever is counted, limited or refused in front of it."""

from __future__ import annotations

from .faults import Faults, Weather
from .journal import Journal
from .lists import Lists
from .options import Options
from .quota import Quota
from .restapi import Restapi
from .tokens import Tokens
from .world import World


class Backend:
    """Held open while a sandbox serves."""

    def __init__(self, world: World, options: Options, faults: Faults) -> None:
        self.world = world
        self.weather = Weather(faults)
        self.journal = Journal(options.keep_ids)
        self.tokens = Tokens(options, world.clock)
        self.options = options
        self.configure(options)

    def configure(self, options: Options) -> None:
        """Takes options from now on; tokens and the journal stay, the quota starts anew."""
        self.options = self.tokens.options = options
        self.quota = Quota(*options.quota) if options.quota else None
        self.restapi = Restapi(self.world, Lists(self.world, options), self.tokens, self.journal)
