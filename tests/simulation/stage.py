"""The stage of a history: a world behind a sandbox, a database of its own, and the parts that watch and harm them."""

from typing import NamedTuple

from pyrus_etl.sandbox import Sandbox
from pyrus_etl.settings import Secret
from tests.servers import Server
from tests.simulation.administrator import Administrator
from tests.simulation.history import Setting
from tests.simulation.runs import Watch
from tests.simulation.stored import Reader


class Stage(NamedTuple):
    """`entrance`: the address of the database for the runs."""

    setting: Setting
    server: Server
    database: Secret
    entrance: Secret
    sandbox: Sandbox
    watch: Watch
    administrator: Administrator
    reader: Reader
