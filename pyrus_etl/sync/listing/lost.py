"""Forms that the account no longer sees, or whose register is refused: their tasks are not listed, but not deleted."""

import logging

from pyrus_etl.load.directory import seen
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.schema.counts import Counts
from pyrus_etl.sync.listing.feeds import FeedsRead
from pyrus_etl.sync.plan import Run

log = logging.getLogger(__name__)


async def note_lost_forms(run: Run) -> None:
    """Stores which forms are lost, and counts them: while one is, a run ends with 6. Those left out do not count."""
    session, feeds = run.session, run.ledger.feeds
    if not session.source.has_feeds:
        return
    found = await session.store.transaction(_note, session.account_id, feeds)
    lost = [form_id for form_id in found if run.forms.has(form_id)]
    if lost:
        shown = ", ".join(map(str, lost[:10])) + (", …" if len(lost) > 10 else "")
        log.warning(
            "forms %s are lost: the account no longer sees them or may not read their registers; their tasks stay as "
            "they are stored. Give the account its rights back, or leave the forms out by --forms.",
            shown,
        )
    run.ledger.count(Counts(forms_lost=len(lost)))


def _note(connection: Connection, account_id: int, feeds: FeedsRead) -> list[int]:
    seen.mark_lost(connection, account_id, feeds.refused_ids("form"))
    seen.found_again(connection, account_id, feeds.complete_ids("form"))
    return seen.lost_forms(connection, account_id)
