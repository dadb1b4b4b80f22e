"""The alert of a database that is away: it cannot be noted there, so a file in the data folder notes it.

The file is written after the alert was sent, and its alert is moved to sync_alerts when the database is back. A file
without an alert says that runs failed for another cause before, which the database has. Where the data folder does not
outlast a run, as in a container without a volume, each run sends the alert again.
"""

import hashlib
import logging
from datetime import datetime
from pathlib import Path

import msgspec
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.load.operation import alerts
from pyrus_etl.load.operation.alerts import Alert
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.folders import data_folder
from pyrus_etl.settings import Secret
from pyrus_etl.sync.alerts.events import FAILING
from pyrus_etl.sync.result import Result, new_run_id

log = logging.getLogger(__name__)


def note_file(url: Secret) -> Path | None:
    """The file for this database; None without a data folder. Its name does not depend on the password."""
    try:
        folder = data_folder().parent
        place = conninfo_to_dict(url.reveal())
    except Exception as error:  # the alert is sent without being noted
        log.debug("no place to note an alert: %s", type(error).__name__)
        return None
    names = "/".join(str(place.get(part, "")) for part in ("host", "port", "dbname", "user"))
    return folder / f"away-{hashlib.sha256(names.encode()).hexdigest()[:16]}.json"


def alert_of(result: Result, login: str | None) -> Alert:
    """The alert of a run that failed because its database is away."""
    at: datetime = result.finished_at or result.started_at
    return Alert(new_run_id(), FAILING, at, None, login, result.run_id, result.kind, result.message)


def keep(file: Path, alert: Alert | None) -> None:
    """Notes that the alert was sent; None: that the database has it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.encode(alert))
    except OSError as error:
        log.debug("the alert could not be noted: %s", error.strerror)


def move_to_database(connection: Connection, url: Secret) -> Path | None:
    """Notes in the database what the file notes, inside the caller's transaction; returns the file, to be deleted."""
    file = note_file(url)
    try:
        alert = msgspec.json.decode(file.read_bytes(), type=Alert | None) if file else None
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, PyrusEtlError) as error:
        log.debug("the note of an alert cannot be read: %s", error)
        return file
    if alert:
        alerts.add_alerts(connection, [alert])
        alerts.note_sent(connection, alert)
    return file
