"""Access tokens: issued for a login, expired by the organisation's clock or by use, revoked on demand."""

from __future__ import annotations

from typing import Literal

import msgspec

from pyrus_etl.sandbox.answers import Refused
from pyrus_etl.sandbox.limits.options import Options
from pyrus_etl.sandbox.organisation.clock import SECOND, Clock
from pyrus_etl.sandbox.organisation.people import ACCOUNT

Api = Literal["v3", "v4", "any"]


class Credentials(msgspec.Struct, rename="pascal"):
    login: str = ""
    security_key: str = ""
    client_id: str = ""


class CredentialsV4(msgspec.Struct):
    login: str = ""
    security_key: str = ""
    person_id: int | None = None


class Token(msgspec.Struct):
    viewer: int
    issued: int
    api: Api = "any"
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
        viewer = self._accounts().get(credentials.login)
        if viewer is None or credentials.security_key != self.options.security_key:
            raise Refused("AuthorizationErrorInvalidLoginOrSecurityKey")
        if credentials.client_id != self.options.client_id:
            raise Refused("AuthorizationErrorInvalidClientId")
        return self.issue(viewer, "v3")

    def person(self, login: str, key: str) -> int | None:
        """The person with this login, if that is their key."""
        return self._accounts().get(login) if key == self.options.security_key else None

    def log_in_v4(self, credentials: CredentialsV4) -> str:
        """The same for API v4. The oldest token of a login with too many of them is revoked."""
        shared = self.options.shared.get(credentials.login, ())
        viewer = self._accounts().get(credentials.login, credentials.person_id)
        if credentials.security_key != self.options.security_key:
            raise Refused("invalid_credentials")
        if shared and credentials.person_id is None:
            raise Refused("non_unique_email")
        if viewer is None or (credentials.person_id or viewer) not in (*shared, *self._accounts().values()):
            raise Refused("invalid_credentials")
        issued = self.issue(viewer, "v4")
        live = [token for token in self._tokens.values() if token.api == "v4" and token.viewer == viewer]
        for token in live[: -self.options.most_tokens]:
            token.revoked = True
        return issued

    def issue(self, viewer: int = ACCOUNT.id, api: Api = "any") -> str:
        """Issues a token without a login, as the vendor's web login does."""
        name = f"sandbox-{len(self._tokens) + 1:06}"
        self._tokens[name] = Token(viewer, self.clock.now(), api)
        return name

    def check(self, authorization: str | None, api: Api = "any") -> int:
        """Counts a use of the token in an Authorization header; refuses a missing or invalid one. Returns its owner."""
        if not authorization:
            raise Refused("AuthorizationErrorTokenNotSpecified")
        token = self._tokens.get(authorization.removeprefix("Bearer ").strip())
        if token is None or ("any" not in (api, token.api) and token.api != api):
            raise Refused("AuthorizationErrorInvalidToken")
        if token.revoked:
            raise Refused("AuthorizationErrorRevokedToken")
        if self._expired(token):
            raise Refused("AuthorizationErrorExpiredToken")
        token.uses += 1
        return token.viewer

    def owner(self, authorization: str) -> int | None:
        """The owner of the token in an Authorization header; does not count as a use."""
        token = self._tokens.get(authorization.removeprefix("Bearer ").strip())
        return token.viewer if token else None

    def revoke_all(self) -> None:
        for token in self._tokens.values():
            token.revoked = True

    def _accounts(self) -> dict[str, int]:
        """Login → person."""
        return {**self.options.accounts, self.options.login: ACCOUNT.id}

    def _expired(self, token: Token) -> bool:
        seconds, requests = self.options.token_seconds, self.options.token_requests
        if requests is not None and token.uses >= requests:
            return True
        return seconds is not None and self.clock.now() - token.issued >= seconds * SECOND
