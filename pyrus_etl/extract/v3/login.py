"""The login that returns a token: "Authorization for background process" on https://pyrus.com/en/api-v3."""

import msgspec

from pyrus_etl.client.client import Ask
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused, Unreadable, not_available
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import LoginRefused, PyrusEtlError, PyrusUnreachable, SettingsError
from pyrus_etl.extract.shown import shown_login
from pyrus_etl.settings import Secret, Settings

PATH = "/restapi/getaccesstoken"


async def login(ask: Ask, settings: Settings) -> Secret:
    """Returns a fresh token; raises LoginRefused, or PyrusUnreachable if the server is not a Pyrus."""
    outcome = await ask(Request("POST", PATH, read_token, _credentials(settings)))
    if isinstance(outcome, Answer):
        return Secret(outcome.value)
    raise _error(outcome, settings)


def _credentials(settings: Settings) -> dict[str, str]:
    if not (settings.security_key or settings.login):
        raise SettingsError(
            "No login is given: set PYRUS_LOGIN, PYRUS_SECURITY_KEY and PYRUS_CLIENT_ID, or PYRUS_ACCESS_TOKEN; "
            "or run pyrus-etl login."
        )
    if not (settings.login and settings.security_key and settings.client_id):
        raise SettingsError(
            f"{_missing(settings)} is missing; set PYRUS_LOGIN, PYRUS_SECURITY_KEY and PYRUS_CLIENT_ID, or run "
            "pyrus-etl login."
        )
    return {
        "Login": settings.login,
        "SecurityKey": settings.security_key.reveal(),
        "ClientId": settings.client_id,
    }


def _missing(settings: Settings) -> str:
    if not settings.login:
        return "PYRUS_LOGIN"
    return "PYRUS_CLIENT_ID" if settings.security_key else "PYRUS_SECURITY_KEY"


def _error(failure: Failure, settings: Settings) -> PyrusEtlError:
    match failure:
        case Again(body=None):
            return PyrusUnreachable(not_available(settings.url, failure))
        case Again() | Unreadable():
            return PyrusUnreachable(
                f"{settings.url} does not answer a login as Pyrus does ({failure}); check PYRUS_URL."
            )
        case Refused(is_redirect=True) | Denied(status=404):
            return PyrusUnreachable(f"{settings.url} has no login of Pyrus ({failure}); check PYRUS_URL.")
        case _:
            return LoginRefused(
                f"Pyrus refused the login of {shown_login(settings)}: {failure}; "
                "check PYRUS_LOGIN, PYRUS_SECURITY_KEY and PYRUS_CLIENT_ID."
            )


class _AccessToken(msgspec.Struct, rename="pascal"):
    access_token: str


def read_token(body: bytes) -> str:
    return msgspec.json.decode(body, type=_AccessToken).access_token
