"""The login of the restapi: its settings, and what each refusal means."""

import asyncio

import pytest

from pyrus_etl.client.dialect import ApiError
from pyrus_etl.client.meaning import Again, Denied, Failure, Refused, TokenRefused, Unreadable
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import LoginRefused, PyrusUnreachable, SettingsError
from pyrus_etl.extract.v3.login import login
from pyrus_etl.settings import load_settings

ACCOUNT = {"PYRUS_LOGIN": "robot@example.com", "PYRUS_SECURITY_KEY": "canary", "PYRUS_CLIENT_ID": "client"}
NO_REASON = ApiError()


def logged_in(outcome: Failure, **account: str) -> None:
    """Logs in at a server whose answer means this."""

    async def ask(_: Request[str]) -> Answer[str] | Failure:
        return outcome

    asyncio.run(login(ask, load_settings({}, {**ACCOUNT, **account})))


def test_without_a_login_and_a_token_the_error_names_the_settings() -> None:
    with pytest.raises(SettingsError, match=r"No login is given.*PYRUS_LOGIN.*PYRUS_ACCESS_TOKEN"):
        logged_in(Again(""), PYRUS_LOGIN="", PYRUS_SECURITY_KEY="")


@pytest.mark.parametrize("missing", ["PYRUS_LOGIN", "PYRUS_SECURITY_KEY", "PYRUS_CLIENT_ID"])
def test_a_missing_setting_of_a_login_is_named(missing: str) -> None:
    with pytest.raises(SettingsError, match=f"^{missing} is missing; set "):
        logged_in(Again(""), **{missing: ""})


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        (TokenRefused(ApiError("InvalidLogin", "No.")), LoginRefused, r"InvalidLogin \(No\.\); check PYRUS_LOGIN"),
        (Refused(400, NO_REASON), LoginRefused, "login of robot@example.com: 400 no reason given; check PYRUS_LOGIN"),
        (Denied(403, NO_REASON), LoginRefused, "403 no reason given"),
        (Denied(404, NO_REASON), PyrusUnreachable, "has no login of Pyrus .*check PYRUS_URL"),
        (Refused(302, NO_REASON), PyrusUnreachable, "has no login of Pyrus .*check PYRUS_URL"),
        (Again("status 503"), PyrusUnreachable, r"is busy \(status 503\); try again later"),
        (Again("HTML", b"<html>"), PyrusUnreachable, "does not answer a login as Pyrus does .*check PYRUS_URL"),
        (Unreadable("no token", b"{}"), PyrusUnreachable, "does not answer a login as Pyrus does .*check PYRUS_URL"),
    ],
    ids=str,
)
def test_each_failure_is_an_error_with_its_remedy(failure: Failure, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        logged_in(failure)
