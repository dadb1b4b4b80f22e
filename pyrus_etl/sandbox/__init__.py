"""A simulated Pyrus: a world with a clock and a history, and a server over it as the vendor's page has it."""

from .faults import Faults
from .options import Options
from .sandbox import Sandbox, serve
from .world import Activity, World

__all__ = ["Activity", "Faults", "Options", "Sandbox", "World", "serve"]
