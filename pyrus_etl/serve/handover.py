"""Beside a cluster, this process only takes webhooks: it notes in the cluster whose hints wait; workers do the rest."""

import logging

from pyrus_etl.cluster.accounts import note_hints
from pyrus_etl.cluster.database import in_cluster
from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.serve.schedule import Means
from pyrus_etl.settings import Secret
from pyrus_etl.sync.listing.hinted import happened

log = logging.getLogger(__name__)

AGAIN = 5.0
"""Seconds until the cluster's database is tried again. The hints are stored already, so a sync finds them too."""


async def hand_over(cluster: Secret, means: Means) -> None:
    """Tells the cluster about hints of an account until it is asked to stop. `cluster`: the URL of its database."""
    login = means.settings.login or ""
    while not means.stop.reason:
        await happened(means.stop.asked, means.arrived)
        if means.stop.reason:
            return
        means.arrived.clear()
        try:
            await in_cluster(cluster, note_hints, login)
        except DatabaseUnavailable as error:
            log.warning("%s", error)
            means.arrived.set()
            await happened(means.stop.asked, within=AGAIN)
