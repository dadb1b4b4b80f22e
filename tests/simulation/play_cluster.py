"""Makes a cluster in databases of its own, and plays its history."""

from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from pyrus_etl.cluster import registry, schema
from pyrus_etl.cluster.engine_tables import prepare
from pyrus_etl.cluster.registry import NewAccount
from pyrus_etl.postgres.connection import Connection
from tests.simulation import two_accounts
from tests.simulation.administrator import CLOCK, Administrator
from tests.simulation.bodies import WATCHED
from tests.simulation.cluster_history import ClusterHistory, Organisation
from tests.simulation.computer import Computer
from tests.simulation.invariants import require
from tests.simulation.leftovers import nothing_left_behind
from tests.simulation.machine import Machine
from tests.simulation.orders import errors_logged
from tests.simulation.tolls import Tolls
from tests.simulation.totals import Totals
from tests.simulation.two_accounts import LOGINS
from tests.simulation.workers_history import QUOTAS

ORGS = ("acme", "initech")


def play_cluster(seed: int, machine: Machine, length: int = 5) -> Totals:
    """Plays the history of a seed; raises AssertionError if it breaks."""
    with ExitStack() as opened:
        history = _made(seed, machine, opened)
        errors = opened.enter_context(errors_logged("procrastinate"))  # which logs what we take care of
        try:
            history.play(length)
            require(not errors, f"errors were logged: {errors}")
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(history.lines)) from error
        return history.totals()


def _made(seed: int, machine: Machine, opened: ExitStack) -> ClusterHistory:
    """A cluster in databases of its own, with its accounts and without a worker."""
    dice = Random(f"made {seed}")
    sandboxes = {org: two_accounts.sandbox_of(seed * 2 + n, port=8001 + n) for n, org in enumerate(ORGS)}
    databases = {org: opened.enter_context(machine.database(CLOCK + WATCHED)) for org in ("", *ORGS)}
    administrators = {org: opened.enter_context(closing(Administrator(url))) for org, url in databases.items()}
    computer = Computer(seed, [each.world for each in sandboxes.values()], administrators)
    orgs = {}
    for org, sandbox in sandboxes.items():
        quota = dice.choice(QUOTAS)
        tolls = Tolls(sandbox, quota, computer.clock.now, lambda: computer.at_work, administrators[org])
        orgs[org] = Organisation(seed, sandbox, databases[org], computer, tolls, quota)
    opened.enter_context(nothing_left_behind())
    opened.enter_context(computer.on(seed))
    history = ClusterHistory(seed, computer, databases[""], administrators[""], orgs)
    folder = Path(opened.enter_context(TemporaryDirectory()))
    computer.clock.show()
    administrators[""].database.do(lambda connection: _create(connection, dice, folder, orgs))
    return history


def _create(connection: Connection, dice: Random, folder: Path, orgs: dict[str, Organisation]) -> None:
    """The tables of the cluster, and its accounts with their files."""
    with connection.transaction():
        schema.create(connection)
        prepare(connection)
        for org, history in orgs.items():
            options = history.sandbox.options
            key = _file(folder / f"{org}.key", options.security_key)
            url = _file(folder / f"{org}.url", history.database.reveal())
            for account in history.accounts:
                quota = f"{history.quota[0]}/{history.quota[1]:g}s"
                every, census = (timedelta(seconds=dice.choice(each)) for each in ((4, 12, 25), (30, 86_400)))
                added = NewAccount(
                    org=org,
                    login=LOGINS[account],
                    api="v3",
                    url=history.sandbox.url,
                    client_id=options.client_id,
                    person_id=None,
                    secret_ref=key,
                    quota=quota,
                    every=every,
                    reconcile_every=census,
                    attachments_to=None,
                )
                registry.add(connection, added, url)


def _file(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)
