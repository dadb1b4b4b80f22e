"""The token: shared by all requests, renewed by a single login when the service refuses it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pyrus_etl.errors import LoginRefused
from pyrus_etl.settings import Secret

log = logging.getLogger(__name__)

Login = Callable[[], Awaitable[Secret]]


class Token:
    """Holds the current token. `login` is None if the token was obtained elsewhere and cannot be renewed.

    `last`: the token, None before the first login. `credential`: what messages call a given token; `remedy`: what they
    advise if it is refused.
    """

    def __init__(
        self,
        given: Secret | None,
        login: Login | None,
        service: str,
        credential: str = "the access token",
        remedy: str = "get a new one",
    ) -> None:
        self.last = given
        self._login = login
        self._service = service
        self._credential = credential
        self._remedy = remedy
        self._renewals = 0
        self._lock = asyncio.Lock()

    async def current(self) -> Secret:
        """The token; waits while it is renewed."""
        if self.last is not None and not self._lock.locked():
            return self.last
        async with self._lock:
            if self.last is None:
                self.last = await self._log_in()
            return self.last

    def accepted(self, token: Secret) -> None:
        """Records that the token worked: if it is refused later, it has only expired."""
        if token is self.last:
            self._renewals = 0

    async def renew(self, refused: Secret, reason: str) -> None:
        """Replaces the refused token. Concurrent callers share one login.

        Raises LoginRefused if the token cannot be renewed, or if it comes from a renewal and was never accepted.
        """
        async with self._lock:
            if self.last is not refused:
                return
            if self._login is None:
                raise LoginRefused(f"{self._service} refused {self._credential}: {reason}; {self._remedy}.")
            if self._renewals:
                raise LoginRefused(
                    f"{self._service} refused the token of a fresh login too: {reason}; check what this account may do."
                )
            log.info("the token is no longer accepted, logging in again: %s", reason)
            self.last = await self._log_in()
            self._renewals += 1

    async def _log_in(self) -> Secret:
        assert self._login, "a token that is not given comes from a login"
        return await self._login()
