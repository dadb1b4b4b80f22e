"""Runs one stage of the pipeline alone, on a sandbox: `python -m tests.benchmarks.stages fetch|load [SINCE]`.

fetch: requests, decoding and normalising; nothing is stored. load: stores prepared rows in batches as large as those of
a run. The tasks are all, or those modified since a second. Prints their number and the seconds.
"""

import asyncio
import gc
import json
import sys
import time

from pyrus_etl.extract.v3.api import RestApi, client_for
from pyrus_etl.extract.v3.windows import listings
from pyrus_etl.load.tasks.batch import load as load_batch
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.model.window import Window
from pyrus_etl.normalize.fetched import fetched_rows
from pyrus_etl.postgres.connection import connect
from pyrus_etl.settings import Secret, Settings, load_settings
from pyrus_etl.sync.flow import LIMITS
from pyrus_etl.sync.stages import together


def main() -> None:
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
    settings, keep = load_settings({}), sys.argv[1] == "load"
    window = Window(start=int(sys.argv[2])) if len(sys.argv) > 2 else Window()
    began = time.perf_counter()
    tasks, fetched = asyncio.run(_fetch(settings, window, keep))
    seconds = time.perf_counter() - began
    if keep and settings.database_url:
        seconds = _load(settings.database_url, tasks)
    print(json.dumps({"tasks": fetched, "seconds": seconds}))


async def _fetch(settings: Settings, window: Window, keep: bool) -> tuple[list[TaskLoad], int]:
    """Fetches and normalises the tasks; returns their rows if they are to be kept, and their number."""
    async with client_for(settings) as http:
        source = RestApi(http)
        await source.profile()
        headers = [task async for listing in listings(source.search, [window]) for task in listing.tasks]
        wanted, kept = iter({header.id: header for header in headers}.values()), list[TaskLoad]()
        fetched = 0

        async def fetch_each() -> None:
            nonlocal fetched
            for header in wanted:
                load = await _one(source, header)
                fetched += 1
                if keep:
                    kept.append(load)

        await together(*(fetch_each() for _ in range(settings.concurrency)))
        return kept, fetched


async def _one(source: RestApi, header: TaskHeader) -> TaskLoad:
    rows = fetched_rows(header.id, await source.task(header.id), header.modified_date)
    return TaskLoad(header.id, rows, header.modified_date)


def _load(url: Secret, tasks: list[TaskLoad]) -> float:
    """Loads the tasks in batches as large as those of a run; returns the seconds."""
    with connect(url) as connection:
        began = time.perf_counter()
        for start in range(0, len(tasks), LIMITS.batch):
            with connection.transaction():
                load_batch(connection, 1, tasks[start : start + LIMITS.batch])
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
