"""The login that returns a token: "Authorization for background process" on https://pyrus.com/en/api-v3."""

import msgspec

from pyrus_etl.client.client import Ask, Request
from pyrus_etl.client.masking import masked
from pyrus_etl.client.meaning import Again, Redirected, Refused, TokenRefused
from pyrus_etl.errors import LoginRefused, PyrusUnreachable, SettingsError
from pyrus_etl.settings import Secret, Settings

PATH = "/restapi/getaccesstoken"


async def login(ask: Ask, settings: Settings) -> Secret:
    """Returns a fresh token; raises LoginRefused, or PyrusUnreachable if the server is not a Pyrus."""
    if not (settings.login and settings.client_id and settings.security_key):
        raise SettingsError("Set PYRUS_LOGIN, PYRUS_SECURITY_KEY and PYRUS_CLIENT_ID together; one is missing.")
    credentials = {
        "Login": settings.login,
        "SecurityKey": settings.security_key.reveal(),
        "ClientId": settings.client_id,
    }
    try:
        return Secret(await ask(Request("POST", PATH, read_token, credentials)))
    except (TokenRefused, Refused) as error:
        if isinstance(error, Redirected) or (isinstance(error, Refused) and error.status == 404):
            raise PyrusUnreachable(f"{settings.url} has no login of Pyrus ({error}); check PYRUS_URL.") from error
        raise LoginRefused(
            f"Pyrus refused the login of {shown_login(settings)}: {error}; "
            "check PYRUS_LOGIN, PYRUS_SECURITY_KEY and PYRUS_CLIENT_ID."
        ) from error
    except Again as error:
        if error.body is None:
            raise PyrusUnreachable(f"{settings.url} is not available ({error}); try again later.") from error
        raise _not_pyrus(settings, error) from error
    except msgspec.ValidationError as error:
        raise _not_pyrus(settings, error) from error


def _not_pyrus(settings: Settings, error: Exception) -> PyrusUnreachable:
    return PyrusUnreachable(f"{settings.url} does not answer a login as Pyrus does ({error}); check PYRUS_URL.")


def shown_login(settings: Settings) -> str:
    """The login as it may be shown and stored: masked if somebody put the key in its place."""
    login = (settings.login or "").replace("\0", "\ufffd").encode(errors="replace")
    return masked(login, settings.security_key).decode()


class _AccessToken(msgspec.Struct, rename="pascal"):
    access_token: str


def read_token(body: bytes) -> str:
    return msgspec.json.decode(body, type=_AccessToken).access_token
