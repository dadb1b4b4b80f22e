"""The newest tasks of an account in API v4: what a write has left there, if its answer was lost."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from pyrus_etl.client.client import Client
from pyrus_etl.client.decode import storable
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import BodyTooLarge, PyrusUnreachable
from pyrus_etl.extract.v3.writes import A_MOMENT, newest_in, of_author
from pyrus_etl.extract.v4.listing.hybrid import proof
from pyrus_etl.extract.v4.wire.moments import moment
from pyrus_etl.extract.v4.wire.read import read_headers, read_register
from pyrus_etl.extract.writer import Newest
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.model.write import Write

MOST_LISTED = 1000
MOST_PAGES = 20
"""Of a register that are read to see that a task is not there."""


async def newest(client: Client, write: Write, account_id: int, since: datetime, to_the_end: bool) -> Newest:
    """API v4 has no search by author: looks into that of v3, the inbox, the task's lists, the register of its form."""
    after = moment(int((since - A_MOMENT - timedelta(seconds=1)).timestamp()))
    found = [await _searched(client, account_id, since), await _listed(client, f"/inbox?item_count={MOST_LISTED}")]
    parameters = urlencode({"item_count": MOST_LISTED, "include_archived": "y", "created_after": after}, safe=":")
    found += [await _listed(client, f"/lists/{each}/tasks?{parameters}") for each in write.added_project_ids or ()]
    if write.form_id is not None:
        found.append(await _registered(client, write.form_id, after, to_the_end=to_the_end))
    untils = [each.until for each in found if each.until]
    return Newest(frozenset[int]().union(*(each.ids for each in found)), max(untils, default=None))


async def _searched(client: Client, account_id: int, since: datetime) -> Newest:
    """What the search of v3 shows, if it takes the token of v4."""
    if client.settings.hybrid != "auto":
        return Newest()
    address, criteria = f"{client.settings.url}/restapi/searchtasks", of_author(account_id, since)
    try:
        outcome = await client.ask(Request("POST", address, proof, criteria, is_slow=True, tries=1, may_renew=False))
    except (PyrusUnreachable, BodyTooLarge):
        return Newest()
    return newest_in(outcome.value[0]) if isinstance(outcome, Answer) else Newest()


async def _listed(client: Client, path: str) -> Newest:
    """What the inbox or a list shows. Nobody says that a task is in the inbox of its author."""
    outcome = await client.ask(Request("GET", path, lambda body: read_headers(storable(body)), is_slow=True))
    if not isinstance(outcome, Answer):
        return Newest()
    listed = outcome.value[0]
    is_whole = path.startswith("/lists/") and not listed.has_more
    dates = [each.modified_date for each in listed.headers if each.modified_date] if is_whole else []
    return Newest(frozenset(each.id for each in listed.headers), max(dates, default=None))


async def _registered(client: Client, form_id: int, after: str, *, to_the_end: bool) -> Newest:
    """The tasks that were made in a form since then, page by page if `to_the_end`; then also its latest change."""
    ids, last = list[int](), 0
    for _ in range(MOST_PAGES if to_the_end else 1):
        page = await _rows(client, form_id, {"created_after": after, "sort": "id", "id": f"gt{last}"})
        shown = [each.id for each in page or ()]
        if page is None or shown != sorted(shown) or (shown and shown[0] <= last):
            return Newest(frozenset([*ids, *shown]))
        ids += shown
        if not shown:
            changed = await _rows(client, form_id, {"modified_after": after})
            return Newest(
                frozenset(ids), max((each.modified_date for each in changed or () if each.modified_date), default=None)
            )
        last = shown[-1]
    return Newest(frozenset(ids))


async def _rows(client: Client, form_id: int, criteria: dict[str, str]) -> Sequence[TaskHeader] | None:
    asked = {"include_archived": "y", "item_count": MOST_LISTED, **criteria}
    path = f"/forms/{form_id}/register"
    request = Request("POST", path, lambda body: read_register(storable(body)), asked, is_slow=True)
    outcome = await client.ask(request)
    return list(outcome.value[0].headers) if isinstance(outcome, Answer) else None
