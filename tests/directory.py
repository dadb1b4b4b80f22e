"""The directory of API v4 without tasks: a scripted server, read over HTTP into a database."""

import asyncio
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pyrus_etl.extract.pages import Whole
from pyrus_etl.extract.v4.api import ApiV4, client_for
from pyrus_etl.load.directory.snapshots import known_versions
from pyrus_etl.model.listing import Listing
from pyrus_etl.model.stream import CATALOGS, FORMS, LISTS, PEOPLE
from pyrus_etl.postgres.connection import connect
from pyrus_etl.settings import Secret
from pyrus_etl.sync.listing.streams import FIRST, LAST, write
from tests.conftest import loaded
from tests.scripted import Asked, Reply, scripted

ACCOUNT, PREFIX = 7, "/api/v4"
DENIED = Reply(403, b'{"error_code": "access_denied", "error": "no"}')

Answers = Mapping[str, Any]
"""Path without its parameters → the JSON to answer, or a whole Reply. Any other path is answered by `{}`."""


def read_directory(answers: Answers, database: Secret, account_id: int = ACCOUNT) -> list[str]:
    """Reads every stream once, as a run does; returns the paths that were asked for."""
    with scripted(script(answers)) as server:
        asyncio.run(_read(server.url, database, account_id))
        return [path.removeprefix(PREFIX) for path in server.paths]


async def _read(url: str, database: Secret, account_id: int) -> None:
    settings = loaded({"PYRUS_URL": url, "PYRUS_ACCESS_TOKEN": "token"})
    async with client_for(settings) as client:
        source = ApiV4(client)
        with connect(database) as connection:
            for stream in (*FIRST, *LAST):
                known = known_versions(connection, account_id) if stream.name == CATALOGS else {}
                async for page in source.pages(stream.name, Whole(known)):
                    for thing in page.items:
                        with connection.transaction():
                            write(stream, connection, account_id, thing)


def things(stream: str, body: bytes | Any, others: Answers = MappingProxyType({}), **environment: str) -> list[Any]:
    """What a stream lists if Pyrus answers this, without a database."""
    path = {FORMS: "/forms", LISTS: "/lists", CATALOGS: "/catalogs", PEOPLE: "/contacts"}[stream]
    reply = Reply(200, body) if isinstance(body, bytes) else body

    async def listed(url: str) -> list[Any]:
        settings = loaded({"PYRUS_URL": url, "PYRUS_ACCESS_TOKEN": "token", **environment})
        async with client_for(settings) as client:
            source = ApiV4(client)
            return [_things(item) async for page in source.pages(stream, Whole()) for item in page.items]

    with scripted(script({path: reply, **others})) as server:
        return asyncio.run(listed(server.url))


def _things(item: Any) -> Any:
    return item.things if isinstance(item, Listing) else item


def script(answers: Answers) -> Callable[[Asked], Reply]:
    """A server that answers by path."""

    def reply(asked: Asked) -> Reply:
        answer = answers.get(asked.path.partition("?")[0].removeprefix(PREFIX), {})
        return answer if isinstance(answer, Reply) else Reply(200, json.dumps(answer).encode())

    return reply
