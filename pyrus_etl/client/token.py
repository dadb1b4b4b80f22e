"""The bearer token: shared by all requests, renewed by a single login when Pyrus refuses it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pyrus_etl.errors import LoginRefused, SettingsError
from pyrus_etl.settings import Secret

log = logging.getLogger(__name__)

Login = Callable[[], Awaitable[Secret]]


class Token:
    """Holds the current token. `login` is None if the token was obtained elsewhere and cannot be renewed."""

    def __init__(self, given: Secret | None, login: Login | None) -> None:
        self._current = given
        self._login = login
        self._renewals = 0
        self._lock = asyncio.Lock()

    async def current(self) -> Secret:
        async with self._lock:
            if self._current is None:
                self._current = await self._log_in()
            return self._current

    def accepted(self, token: Secret) -> None:
        """Records that the token worked: if it is refused later, it has only expired."""
        if token is self._current:
            self._renewals = 0

    async def renew(self, refused: Secret, reason: str) -> None:
        """Replaces the refused token. Concurrent callers share one login.

        Raises LoginRefused if the token cannot be renewed, or if it comes from a renewal and was never accepted.
        """
        async with self._lock:
            if self._current is not refused:
                return
            if self._login is None:
                raise LoginRefused(f"Pyrus refused the access token: {reason}; get a new one.")
            if self._renewals:
                raise LoginRefused(
                    f"Pyrus refused the token of a fresh login too: {reason}; check what this account may do."
                )
            log.info("the token is no longer accepted, logging in again: %s", reason)
            self._current = await self._log_in()
            self._renewals += 1

    async def _log_in(self) -> Secret:
        if self._login is None:
            raise SettingsError(
                "No login is given: set PYRUS_LOGIN, PYRUS_SECURITY_KEY and PYRUS_CLIENT_ID, or PYRUS_ACCESS_TOKEN."
            )
        return await self._login()
