"""A file goes to the trash: a portal does so in the background, and is asked until it has."""

import asyncio
import time
from typing import Any

from pyrus_etl.client.request import Request
from pyrus_etl.errors import AnswerLost, FileRefused
from pyrus_etl.extract.files.lenient import filled, objects, whole
from pyrus_etl.extract.onlyoffice.portal import Portal, path_of_file
from pyrus_etl.extract.onlyoffice.wrapper import read

FIRST_POLL, LONGEST_POLL, PATIENCE = 0.05, 2.0, 600.0
"""Seconds between looks at a deletion, at first and at most, and for all of them."""


async def delete(portal: Portal, file_id: str) -> None:
    """Moves a file to the trash, and waits until the portal has done so."""
    try:
        wrapped = await portal.ask(Request("DELETE", path_of_file(file_id), read, {}, once=True), f"file {file_id}")
        started = objects(wrapped.response)
    except AnswerLost:
        started = await _operations(portal)
        if not started and not await _is_gone(portal, file_id):
            raise
    await _finished(portal, file_id, started)


async def _is_gone(portal: Portal, file_id: str) -> bool:
    try:
        await portal.file(Request("GET", path_of_file(file_id), read), f"file {file_id}")
    except FileRefused as error:
        return error.status == 404
    return False


async def _finished(portal: Portal, file_id: str, started: list[dict[str, Any]]) -> None:
    """Polls until the operations are finished; raises FileRefused if one fails."""
    ids = {filled(each.get("id")) for each in started}
    pause, end = FIRST_POLL, time.monotonic() + PATIENCE
    running = started
    while running := [each for each in running if filled(each.get("id")) in ids and not _is_done(each)]:
        if error := next(filter(None, (filled(each.get("error")) for each in running)), None):
            raise FileRefused(f"ONLYOFFICE did not delete file {file_id}: {error}; look at it in the portal.")
        if time.monotonic() > end:
            raise AnswerLost(f"ONLYOFFICE is still deleting file {file_id}; look at it in the portal.")
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_POLL)
        running = await _operations(portal)


async def _operations(portal: Portal) -> list[dict[str, Any]]:
    return objects((await portal.ask(Request("GET", "/files/fileops", read), "its operations")).response)


def _is_done(operation: dict[str, Any]) -> bool:
    return not filled(operation.get("error")) and (
        operation.get("finished") is True or whole(operation.get("progress")) == 100
    )
