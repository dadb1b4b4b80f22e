"""The file services that we know, opened with the settings. Nothing else chooses a service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from pyrus_etl.client.client import Ask, Client
from pyrus_etl.client.dialect import Dialect
from pyrus_etl.client.quota.waits import Announce, log_wait
from pyrus_etl.errors import SettingsError
from pyrus_etl.extract.apis import api_of
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.extract.onlyoffice import dialect as onlyoffice
from pyrus_etl.extract.onlyoffice.service import Onlyoffice
from pyrus_etl.extract.paymo import dialect as paymo
from pyrus_etl.extract.paymo.service import Paymo
from pyrus_etl.model.place import PAYMO, PYRUS
from pyrus_etl.settings import Quota, Secret, Settings


@asynccontextmanager
async def opened(
    service: str, settings: Settings, most_requests: int | None = None, announce: Announce = log_wait
) -> AsyncIterator[FileService]:
    """Opens a file service by its name, with a client of its own; raises SettingsError if a setting is missing."""
    async with client_for(service, settings, most_requests, announce) as client:
        yield service_of(service, client, settings)


def client_for(
    service: str, settings: Settings, most_requests: int | None = None, announce: Announce = log_wait
) -> Client:
    """A client with the address, the key and the quota of the service; no other service's secret is in it."""
    if service == PYRUS:
        return api_of(settings).client(settings, most_requests, announce)
    dialect, url, key, quota, base = _access(service, settings)
    if not url:
        raise SettingsError(f"No address of {dialect.service} is given; set {dialect.setting}.")
    if not key:
        raise SettingsError(f"No login of {dialect.service} is given; set {dialect.credential}.")
    own = replace(settings, url=url, access_token=key, security_key=None, quota=quota)
    client = Client(own, dialect, _no_login, most_requests, announce)
    client.set_address(f"{url}{base}")
    return client


def service_of(service: str, client: Client, settings: Settings) -> FileService:
    """The service that an open client asks."""
    if service == PYRUS:
        return api_of(settings).open(client).files
    return Paymo(client) if service == PAYMO else Onlyoffice(client)


def _access(service: str, settings: Settings) -> tuple[Dialect, str | None, Secret | None, Quota, str]:
    if service == PAYMO:
        return paymo.DIALECT, settings.paymo_url, settings.paymo_api_key, paymo.QUOTA, "/api"
    return onlyoffice.DIALECT, settings.onlyoffice_url, settings.onlyoffice_token, onlyoffice.QUOTA, "/api/2.0"


async def _no_login(ask: Ask, settings: Settings) -> Secret:
    raise AssertionError("the key is given in the settings")
