"""The pages of the web login: "Authorization for web application" on https://pyrus.com/en/api-v3.

The page does not say what a refused exchange is answered with; it is answered as OAuth 2.0 wants (RFC 6749, 5.2).
"""

from __future__ import annotations

import html
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from aiohttp import web

from pyrus_etl.sandbox.answers import HTML, JSON, Answer
from pyrus_etl.sandbox.limits.options import Options
from pyrus_etl.sandbox.limits.tokens import Tokens
from pyrus_etl.sandbox.organisation.clock import MINUTE, Clock
from pyrus_etl.sandbox.tasks.contents import sent

NO_WEB_SERVER = "nowebserver"
CODE_LIVES = 10 * MINUTE
FORM = """<form method="post" action="/oauth"><h1>Log in to Pyrus</h1>
{hidden}<p>Login <input name="login"></p><p>Password <input name="password" type="password"></p>
<p><button name="answer" value="grant">Grant access</button>
<button name="answer" value="deny">Deny</button></p></form>"""


class Code(msgspec.Struct, frozen=True):
    """What a code was given for, and when."""

    viewer: int
    redirect: str
    at: int


class WebLogin:
    """Gives codes to persons who grant access, and a token for each code, once. The password is the security key."""

    def __init__(self, options: Options, tokens: Tokens, clock: Clock) -> None:
        self._options = options
        self._tokens = tokens
        self._clock = clock
        self._codes: dict[str, Code] = {}

    async def answer(self, endpoint: str, request: web.BaseRequest) -> Answer:
        if endpoint == "oauthtoken":
            return self.exchange(await fields_of(request))
        return self.form(request.query) if request.method == "GET" else self.granted(await fields_of(request))

    def form(self, asked: Mapping[str, str]) -> Answer:
        """The form in which a person logs in and grants access."""
        if asked.get("client_id") != self._options.client_id or asked.get("response_type") != "code":
            return page("There is no such application.", 400)
        if not asked.get("redirect_uri"):
            return page("There is no redirect_uri.", 400)
        kept = {name: asked[name] for name in ("client_id", "redirect_uri", "state") if name in asked}
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">\n' for name, value in kept.items()
        )
        return page(FORM.format(hidden=hidden))

    def granted(self, given: Mapping[str, str]) -> Answer:
        """Sends the browser back with a code, or with an error; shows the code if there is nowhere to send it."""
        redirect = given.get("redirect_uri", "")
        viewer = self._tokens.person(given.get("login", ""), given.get("password", ""))
        if given.get("answer") == "deny" or viewer is None:
            return self.back(redirect, {"error": "access_denied"}, given)
        code = secrets.token_urlsafe(16)
        self._codes[code] = Code(viewer, redirect, self._clock.now())
        return self.back(redirect, {"code": code}, given)

    def back(self, redirect: str, result: Mapping[str, str], given: Mapping[str, str]) -> Answer:
        if redirect == NO_WEB_SERVER:
            shown = html.escape(next(iter(result.values())))
            return page(f"<p>{shown}</p>", title=shown)
        parts = urlsplit(redirect)
        state = {"state": given["state"]} if "state" in given and self._options.oauth_state else {}
        query = urlencode([*parse_qsl(parts.query), *result.items(), *state.items()])
        return Answer(b"", 302, headers={"Location": urlunsplit(parts._replace(query=query))})

    def exchange(self, given: Mapping[str, str]) -> Answer:
        """A token for a code; a code works once, for ten minutes, and with the redirect_uri that it was given for."""
        application = (given.get("client_id"), given.get("client_secret"))
        if application != (self._options.client_id, self._options.client_secret):
            return refused("invalid_client")
        if given.get("grant_type") != "authorization_code":
            return refused("unsupported_grant_type")
        code = self._codes.pop(given.get("code", ""), None)
        if code is None or code.redirect != given.get("redirect_uri") or self._clock.now() > code.at + CODE_LIVES:
            return refused("invalid_grant")
        return Answer(msgspec.json.encode({"access_token": self._tokens.issue(code.viewer, "v3")}))


async def fields_of(request: web.BaseRequest) -> Mapping[str, str]:
    """The fields of a form, however it is encoded."""
    if request.content_type == "multipart/form-data":
        return (await sent(request)).fields
    return dict(parse_qsl((await request.read()).decode(errors="replace")))


def page(body: str, status: int = 200, title: str = "Pyrus") -> Answer:
    text = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{body}</body></html>\n"
    return Answer(text.encode(), status, HTML)


def refused(error: str) -> Answer:
    return Answer(msgspec.json.encode({"error": error}), 401 if error == "invalid_client" else 400, JSON)
