"""The reports as a page at `/`, made when it is asked for; behind a password if one is set."""

import base64
import hashlib
import hmac
from functools import partial

from aiohttp import web

from pyrus_etl.errors import PyrusEtlError
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.page.assemble import page
from pyrus_etl.reports.page.figures import figures
from pyrus_etl.serve.answers import text_answer
from pyrus_etl.serve.looks import Shared, look
from pyrus_etl.settings import Secret

ASKS = {"WWW-Authenticate": 'Basic realm="pyrus-etl", charset="UTF-8"'}


def page_at_root(url: Secret, password: Secret | None) -> web.RouteDef:
    """The path of the page. Whoever asks while one is made gets the next one, so it is never older than its request."""
    made = Shared(lambda: look(url, _made))
    return web.get("/", partial(_page, made, password))


async def _page(made: Shared[str], password: Secret | None, request: web.Request) -> web.Response:
    if password and not _is_given(password, request.headers.get("Authorization", "")):
        refusal = text_answer("The page needs its password.\n", 401)
        refusal.headers.update(ASKS)
        return refusal
    try:
        content = await made()
    except PyrusEtlError as error:
        return text_answer(f"{error}\n", 503)
    answer = text_answer(content, content_type="text/html; charset=utf-8")
    answer.enable_compression()
    return answer


def _made(connection: Connection) -> str:
    return page(figures(connection))


def _is_given(password: Secret, authorization: str) -> bool:
    """Whether a header has the password, with any name (RFC 7617). Takes the same time whatever is wrong with it."""
    scheme, _, credentials = authorization.partition(" ")
    try:
        _, _, given = base64.b64decode(credentials, validate=True).partition(b":")
    except ValueError:
        given = b""
    wanted = password.reveal().encode()
    is_same = hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(wanted).digest())
    return is_same and scheme.lower() == "basic"
