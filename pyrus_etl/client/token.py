"""The bearer token: one for all requests, renewed by one login when Pyrus refuses it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pyrus_etl.errors import LoginRefused, SettingsError
from pyrus_etl.settings import Secret

log = logging.getLogger(__name__)

Login = Callable[[], Awaitable[Secret]]


class Token:
    """Holds the token in force. `login` is None where the token was obtained elsewhere and cannot be renewed."""

    def __init__(self, given: Secret | None, login: Login | None) -> None:
        self._current = given
        self._login = login
        self._renewals = 0
        self._one_at_a_time = asyncio.Lock()

    async def current(self) -> Secret:
        async with self._one_at_a_time:
            if self._current is None:
                self._current = await self._new()
            return self._current

    def accepted(self, token: Secret) -> None:
        """Remembers that the token was good for a request: when it is refused later, it has only expired."""
        if token is self._current:
            self._renewals = 0

    async def renew(self, refused: Secret, reason: str) -> None:
        """Sees to a new token in place of the refused one; who comes second finds it renewed.

        Raises LoginRefused where it cannot be renewed, or where the one before was renewed already and never any good.
        """
        async with self._one_at_a_time:
            if self._current is not refused:
                return
            if self._login is None:
                raise LoginRefused(f"Pyrus refused the access token: {reason}; get a new one.")
            if self._renewals:
                raise LoginRefused(
                    f"Pyrus refused the token of a fresh login too: {reason}; check what this account may do."
                )
            log.info("the token is no longer accepted, logging in again: %s", reason)
            self._current = await self._new()
            self._renewals += 1

    async def _new(self) -> Secret:
        if self._login is None:
            raise SettingsError(
                "No login is set: set PYRUS_LOGIN, PYRUS_SECURITY_KEY and PYRUS_CLIENT_ID, or PYRUS_ACCESS_TOKEN."
            )
        return await self._login()
