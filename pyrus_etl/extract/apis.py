"""The APIs of Pyrus that we know, and the one that the settings ask for. Nothing else chooses an API."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from pyrus_etl.client.client import Client
from pyrus_etl.extract.shown import shown_login
from pyrus_etl.extract.source import AccountAccess, Source
from pyrus_etl.extract.v3 import api as v3
from pyrus_etl.extract.v3.read import read_stored as read_v3
from pyrus_etl.extract.v3.writes import WRITES as WRITES_OF_V3
from pyrus_etl.extract.v4 import api as v4
from pyrus_etl.extract.v4.wire.read import read_stored as read_v4
from pyrus_etl.extract.v4.writes import WRITES as WRITES_OF_V4
from pyrus_etl.extract.writer import Writes
from pyrus_etl.model.task import Task
from pyrus_etl.settings import Quota, Settings


class Api(NamedTuple):
    """A generation of the API, and its name.

    `client`: makes a client, with the most requests that it may send and a function that announces waits. `open`: the
    account that a client logs in as. `shown_login`: its login as it may be shown. `writes`: how it writes.
    """

    name: str
    client: Callable[..., Client]
    open: Callable[[Client], Source]
    shown_login: Callable[[Settings], str]
    writes: Writes


APIS = {
    v3.API: Api(v3.API, v3.client_for, v3.RestApi, shown_login, WRITES_OF_V3),
    v4.API: Api(v4.API, v4.client_for, v4.ApiV4, shown_login, WRITES_OF_V4),
}
"""API → how it is used."""

READERS: Mapping[str, Callable[[bytes], tuple[Task, int]]] = {v3.API: read_v3, v4.API: read_v4}
"""API, as `raw_tasks.api` names it → reads the task in a stored body, and counts the values that it cannot read."""


def api_of(settings: Settings) -> Api:
    """The API that the settings ask for; v3 needs a client id, which nobody gets any more."""
    return APIS[settings.api or (v3.API if settings.client_id else v4.API)]


def each_account(settings: Settings) -> list[Settings]:
    """The settings of each account that can be used on this machine; of the only one, if they name no others."""
    return [settings.of(account) for account in settings.accounts if not account.fault] or [settings]


def quotas(settings: Settings) -> dict[str | None, Quota]:
    """The quota of each account, by the login under which its runs share it."""
    return {access_of(each).login: each.quota for each in each_account(settings)}


def logins(settings: Settings) -> list[tuple[str | None, str | None]]:
    """The name and the login of each account, as they are stored; also of those that cannot be used on this machine."""
    if not settings.accounts:
        return [(settings.account, access_of(settings).login)]
    each = [(one, replace(settings, login=one.login, security_key=one.security_key)) for one in settings.accounts]
    return [(one.name, shown_login(own)) for one, own in each]


def access_of(settings: Settings) -> AccountAccess:
    """How a run gets to the account in the settings."""
    api = api_of(settings)
    login = None if settings.access_token else api.shown_login(settings) or None
    return AccountAccess(partial(api.client, settings), api.open, login, api.name, settings.account)
