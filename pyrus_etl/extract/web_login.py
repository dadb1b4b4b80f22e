"""The web login: "Authorization for web application" on https://pyrus.com/en/api-v3.

A person logs in to Pyrus with a browser and grants access; Pyrus sends the browser to `redirect_uri` with a code, or
shows the code if that is `nowebserver`; the code is exchanged for a token.
"""

from dataclasses import replace
from urllib.parse import urlencode

import msgspec

from pyrus_etl.client.client import Client
from pyrus_etl.client.meaning import Again, Failure, not_available
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import LoginRefused, PyrusEtlError, PyrusUnreachable, SettingsError
from pyrus_etl.extract.v3.api import RestApi
from pyrus_etl.extract.v3.dialect import DIALECT
from pyrus_etl.extract.v3.login import login
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.settings.web_login import WebLogin

NO_WEB_SERVER = "nowebserver"
"""The `redirect_uri` of a program that no browser can reach."""
REMEDY = "run pyrus-etl login again, and check PYRUS_CLIENT_ID and PYRUS_CLIENT_SECRET"


class _Granted(msgspec.Struct):
    access_token: str


def page(settings: Settings, redirect: str, state: str) -> str:
    """The address of the page on which a person grants access. Raises SettingsError if no application is given.

    The vendor's page does not mention `state`; OAuth 2.0 does.
    """
    client_id, _ = _application(settings)
    asked = {"client_id": client_id, "redirect_uri": redirect, "response_type": "code"}
    return f"{settings.url}/oauth?{urlencode(asked | ({'state': state} if state else {}))}"


async def granted(settings: Settings, code: str, redirect: str) -> WebLogin:
    """Exchanges the code for a token, and asks whose it is. Raises LoginRefused and PyrusUnreachable.

    A code works once, so the exchange is not repeated if Pyrus may have carried it out.
    """
    client_id, client_secret = _application(settings)
    own = replace(settings, security_key=client_secret, access_token=None)  # so that no message shows the secret
    asked = {
        "client_id": client_id,
        "client_secret": client_secret.reveal(),
        "grant_type": "authorization_code",
        "redirect_uri": redirect,
        "code": code,
    }
    request = Request("POST", "/oauthtoken", _read, fields=tuple(asked.items()), once=True)
    async with Client(own, DIALECT, login) as client:
        outcome = await client.ask_without_token(request)
    if not isinstance(outcome, Answer):
        raise _error(outcome, settings)
    token = Secret(outcome.value)
    return WebLogin(settings.url, token, await _person(replace(settings, access_token=token)))


async def _person(settings: Settings) -> str:
    """Who the token belongs to."""
    async with Client(settings, DIALECT, login) as client:
        person = await RestApi(client).profile()
    return f"{' '.join(filter(None, (person.first_name, person.last_name)))} (person {person.id})".strip()


def _application(settings: Settings) -> tuple[str, Secret]:
    if not (settings.client_id and settings.client_secret):
        raise SettingsError(
            "The web login needs an application that is registered in Pyrus; set PYRUS_CLIENT_ID and "
            "PYRUS_CLIENT_SECRET."
        )
    return settings.client_id, settings.client_secret


def _read(body: bytes) -> str:
    return msgspec.json.decode(body, type=_Granted).access_token


def _error(failure: Failure, settings: Settings) -> PyrusEtlError:
    if isinstance(failure, Again) and failure.body is None:
        return PyrusUnreachable(not_available(settings.url, failure))
    return LoginRefused(f"Pyrus gave no token for the code: {failure}; {REMEDY}.")
