"""A simulated Pyrus: an organisation with a clock and a history, and a server with the vendor's API over it.

The API is the one described at https://pyrus.com/en/api-v3. `paymo` and `onlyoffice` are two file services beside it,
each with its own world.
"""

from pyrus_etl.sandbox import onlyoffice, paymo
from pyrus_etl.sandbox.limits.faults import Faults
from pyrus_etl.sandbox.limits.options import Options
from pyrus_etl.sandbox.sandbox import Sandbox, serve
from pyrus_etl.sandbox.world.world import Activity, World

__all__ = ["Activity", "Faults", "Options", "Sandbox", "World", "onlyoffice", "paymo", "serve"]
