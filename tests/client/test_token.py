"""The token: shared by all requests, renewed by one login, never in a loop."""

import asyncio
from itertools import count

import pytest

from pyrus_etl.client.token import Login, Token
from pyrus_etl.errors import BudgetSpent, LoginRefused
from pyrus_etl.settings import Secret


def logins() -> tuple[Login, list[str]]:
    """A login, and the list of tokens that it returned."""
    given: list[str] = []
    numbers = count(1)

    async def login() -> Secret:
        await asyncio.sleep(0.01)
        given.append(f"token {next(numbers)}")
        return Secret(given[-1])

    return login, given


def test_many_requests_share_one_login() -> None:
    async def ask() -> set[str]:
        token = Token(None, login, "Pyrus")
        return {each.reveal() for each in await asyncio.gather(*(token.current() for _ in range(20)))}

    login, given = logins()

    assert asyncio.run(ask()) == {"token 1"}
    assert given == ["token 1"]


def test_many_refusals_of_one_token_share_one_login() -> None:
    async def ask() -> str:
        token = Token(None, login, "Pyrus")
        old = await token.current()
        token.accepted(old)
        await asyncio.gather(*(token.renew(old, "expired") for _ in range(20)))
        return (await token.current()).reveal()

    login, given = logins()

    assert asyncio.run(ask()) == "token 2"
    assert given == ["token 1", "token 2"]


def test_one_more_login_follows_if_a_fresh_token_is_refused_and_then_the_run_ends() -> None:
    async def ask() -> None:
        token = Token(None, login, "Pyrus")
        for _ in range(2):
            await token.renew(await token.current(), "AuthorizationErrorRevokedToken")

    login, given = logins()

    with pytest.raises(LoginRefused, match="RevokedToken"):
        asyncio.run(ask())
    assert given == ["token 1", "token 2"]


def test_a_given_token_is_used_first_and_cannot_be_renewed_without_a_login() -> None:
    async def ask() -> None:
        token = Token(Secret("given"), None, "Pyrus")
        assert (await token.current()).reveal() == "given"
        token.accepted(await token.current())
        await token.renew(await token.current(), "AuthorizationErrorExpiredToken")

    with pytest.raises(LoginRefused, match="get a new one"):
        asyncio.run(ask())


def test_a_failed_login_is_not_counted_as_a_refused_fresh_token() -> None:
    async def login() -> Secret:
        if given:
            raise BudgetSpent("no request is left")
        given.append("token 1")
        return Secret("token 1")

    async def ask() -> list[BaseException | None]:
        token = Token(None, login, "Pyrus")
        old = await token.current()
        token.accepted(old)
        return await asyncio.gather(*(token.renew(old, "expired") for _ in range(3)), return_exceptions=True)

    given: list[str] = []

    assert [type(error) for error in asyncio.run(ask())] == [BudgetSpent] * 3
