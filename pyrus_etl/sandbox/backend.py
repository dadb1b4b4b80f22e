"""The state behind the server: the organisation, and everything that counts, limits or fails its requests."""

from __future__ import annotations

from .faults import FaultInjector, Faults
from .journal import Journal
from .lists import Lists
from .options import Options
from .quota import Quota
from .restapi import Restapi
from .tokens import Tokens
from .v4.api import ApiV4
from .world import World


class Backend:
    """The state of one running sandbox."""

    def __init__(self, world: World, options: Options, faults: Faults) -> None:
        self.world = world
        self.injector = FaultInjector(faults)
        self.journal = Journal(options.keep_ids)
        self.tokens = Tokens(options, world.clock)
        self.options = options
        self.configure(options)

    def configure(self, options: Options) -> None:
        """Applies `options` from now on. Tokens and the journal stay; the quota starts again."""
        self.options = self.tokens.options = options
        self.quota = Quota(*options.quota) if options.quota else None
        self.restapi = Restapi(self.world, Lists(self.world, options), self.tokens, self.journal)
        self.v4 = ApiV4(self.world, options, self.tokens, self.journal)

    def api(self, path: str) -> Restapi | ApiV4:
        """The API that a path belongs to, unless only the other one is served."""
        is_v4 = self.options.api == "v4" or (self.options.api == "both" and self.v4.owns(path))
        return self.v4 if is_v4 else self.restapi
