"""Access tokens: issued for a login, expired by the organisation's clock or by use, revoked on demand."""

from __future__ import annotations

import msgspec

from .answers import Refused
from .clock import SECOND, Clock
from .options import Options
from .people import ACCOUNT


class Credentials(msgspec.Struct, rename="pascal"):
    login: str = ""
    security_key: str = ""
    client_id: str = ""


class Token(msgspec.Struct):
    viewer: int
    issued: int
    uses: int = 0
    revoked: bool = False


class Tokens:
    """The tokens issued so far."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self._tokens: dict[str, Token] = {}

    def log_in(self, credentials: Credentials) -> str:
        """Issues a token, or refuses with the vendor's code."""
        options = self.options
        viewer = {**options.accounts, options.login: ACCOUNT.id}.get(credentials.login)
        if viewer is None or credentials.security_key != options.security_key:
            raise Refused("AuthorizationErrorInvalidLoginOrSecurityKey")
        if credentials.client_id != options.client_id:
            raise Refused("AuthorizationErrorInvalidClientId")
        return self.issue(viewer)

    def issue(self, viewer: int = ACCOUNT.id) -> str:
        """Issues a token without a login, as the vendor's web login does."""
        name = f"sandbox-{len(self._tokens) + 1:06}"
        self._tokens[name] = Token(viewer, self.clock.now())
        return name

    def check(self, authorization: str | None) -> int:
        """Counts a use of the token in an Authorization header; refuses a missing or invalid one. Returns its owner."""
        if not authorization:
            raise Refused("AuthorizationErrorTokenNotSpecified")
        token = self._tokens.get(authorization.removeprefix("Bearer ").strip())
        if token is None:
            raise Refused("AuthorizationErrorInvalidToken")
        if token.revoked:
            raise Refused("AuthorizationErrorRevokedToken")
        if self._expired(token):
            raise Refused("AuthorizationErrorExpiredToken")
        token.uses += 1
        return token.viewer

    def revoke_all(self) -> None:
        for token in self._tokens.values():
            token.revoked = True

    def _expired(self, token: Token) -> bool:
        seconds, requests = self.options.token_seconds, self.options.token_requests
        if requests is not None and token.uses >= requests:
            return True
        return seconds is not None and self.clock.now() - token.issued >= seconds * SECOND
