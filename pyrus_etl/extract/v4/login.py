"""The login of API v4: https://pyrus.com/en/help/api/auth. Its answer says where the API and the files are."""

from typing import Any

import msgspec
from yarl import URL

from pyrus_etl.client.client import Ask
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused, TokenRefused, Unreadable, not_available
from pyrus_etl.client.request import Answer, Grant, Request
from pyrus_etl.errors import LoginRefused, PyrusEtlError, PyrusUnreachable, SettingsError
from pyrus_etl.extract.shown import shown_login
from pyrus_etl.settings import Secret, Settings, is_loopback

CLOUD_HOST = "pyrus.com"
CLOUD_LOGIN = "https://accounts.pyrus.com/api/v4/auth"
CLOUD_API, CLOUD_FILES = "https://api.pyrus.com/v4", "https://files.pyrus.com"

KEY = "check PYRUS_LOGIN and PYRUS_SECURITY_KEY"
REMEDIES = {
    "invalid_credentials": f"{KEY}, and set PYRUS_PERSON_ID if several persons share the e-mail",
    "non_unique_email": "several persons share the e-mail, so set PYRUS_PERSON_ID to the id of one of them",
    "account_blocked": "the person or bot is blocked or fired; ask an administrator of Pyrus to unblock it, "
    "or set the login and the key of another one",
}
"""What to do, by the error code of the vendor's page."""


async def login(ask: Ask, settings: Settings) -> Grant:
    """Logs in; raises LoginRefused, or PyrusUnreachable if the server is not a Pyrus.

    An answer without addresses means those of the cloud, or with a server of one's own `{origin}/api/v4`.
    """
    outcome = await ask(Request("POST", _login_address(settings), _read, _credentials(settings)))
    if not isinstance(outcome, Answer):
        raise _error(outcome, settings)
    granted: _Granted = outcome.value
    address = _trusted("api_url", granted.api_url) or address_without_login(settings)
    files = _trusted("files_url", granted.files_url)
    return Grant(Secret(granted.access_token), address, (files,) if files else files_without_login(settings))


def address_without_login(settings: Settings) -> str:
    """The address of the API if no login names it."""
    return CLOUD_API if _is_cloud(settings) else f"{settings.url}/api/v4"


def files_without_login(settings: Settings) -> tuple[str, ...]:
    """The address of the files if no login names it, unless it is the origin in the settings."""
    return (CLOUD_FILES,) if _is_cloud(settings) else ()


def _login_address(settings: Settings) -> str:
    return CLOUD_LOGIN if _is_cloud(settings) else f"{settings.url}/api/v4/auth"


def _is_cloud(settings: Settings) -> bool:
    url = URL(settings.url.lower())
    return (url.host, url.port) == (CLOUD_HOST, 443)


def _credentials(settings: Settings) -> dict[str, Any]:
    if not (settings.security_key or settings.login):
        raise SettingsError(
            "No login is given: set PYRUS_LOGIN and PYRUS_SECURITY_KEY, or PYRUS_ACCESS_TOKEN; or run pyrus-etl login."
        )
    if not (settings.security_key and settings.login):
        missing = "PYRUS_SECURITY_KEY" if settings.login else "PYRUS_LOGIN"
        raise SettingsError(f"{missing} is missing; set PYRUS_LOGIN and PYRUS_SECURITY_KEY, or run pyrus-etl login.")
    person = {} if settings.person_id is None else {"person_id": settings.person_id}
    return {"login": settings.login, "security_key": settings.security_key.reveal(), **person}


def _trusted(name: str, url: str | None) -> str | None:
    """An address that the login names, without a slash at its end; raises PyrusUnreachable if it is not safe."""
    if not url:
        return None
    try:
        parts = URL(url)
        is_safe = bool(parts.host) and (parts.scheme == "https" or _is_local(parts)) and not parts.user
    except ValueError:
        is_safe = False
    if not is_safe:
        raise PyrusUnreachable(
            f"The {name} that the login names is not a plain https address, so the token is not sent there; "
            "check PYRUS_URL."
        )
    return url.rstrip("/")


def _is_local(url: URL) -> bool:
    return url.scheme == "http" and is_loopback(url.host or "")


def _error(failure: Failure, settings: Settings) -> PyrusEtlError:
    where = "accounts.pyrus.com" if _is_cloud(settings) else settings.url
    match failure:
        case Again(body=None):
            return PyrusUnreachable(not_available(where, failure))
        case Again() | Unreadable():
            return PyrusUnreachable(f"{where} does not answer a login as Pyrus does ({failure}); check PYRUS_URL.")
        case Refused(is_redirect=True) | Denied(status=404):
            return PyrusUnreachable(f"{where} has no login of API v4 ({failure}); check PYRUS_URL and PYRUS_API.")
        case TokenRefused(api_error=api_error) | Refused(api_error=api_error) | Denied(api_error=api_error):
            remedy = REMEDIES.get(api_error.code, KEY)
    return LoginRefused(f"Pyrus refused the login of {shown_login(settings)}: {failure}; {remedy}.")


class _Granted(msgspec.Struct):
    access_token: str
    api_url: str | None = None
    files_url: str | None = None


def _read(body: bytes) -> _Granted:
    return msgspec.json.decode(body, type=_Granted)
