"""The bar on a terminal: what it shows while a run waits for the quota."""

import asyncio
import io
import re

from rich.console import Console

from pyrus_etl.cli.terminal.bar import display, update
from pyrus_etl.client.quota.pace import Pace
from pyrus_etl.settings import Quota
from pyrus_etl.sync.progress import Progress

WIDTH = 100


def drawn(progress: Progress) -> str:
    """The text of the drawn line."""
    console = Console(file=io.StringIO(), width=WIDTH)
    shown = display(console)
    update(shown, shown.add_task("sync", total=None, wait=None, quota_seconds=0), progress)
    with console.capture() as captured:
        console.print(shown.get_renderable())
    return captured.get().strip()


def test_a_wait_replaces_the_bar_and_the_time_left_follows_the_quota() -> None:
    async def waiting() -> str:
        pace = Pace(Quota(250, 300), lambda _: None)
        for _ in range(250):
            async with pace:
                pass
        waiter = asyncio.create_task(pace.__aenter__())
        await asyncio.sleep(0.01)
        line = drawn(Progress(tasks_wanted=1000, tasks_done=250, pace=pace))
        waiter.cancel()
        return line

    line = asyncio.run(waiting())

    assert re.search(r"sync waits for the quota until [\d-]* ?\d\d:\d\d:\d\d UTC +250/1000 +0:15:00$", line), line


def test_a_run_that_waits_for_nothing_shows_a_bar() -> None:
    async def going() -> str:
        return drawn(Progress(tasks_wanted=1000, tasks_done=250, pace=Pace(Quota(5000, 600))))

    line = asyncio.run(going())

    assert "━" in line
    assert "waits" not in line


def test_a_log_line_gives_the_tasks_left_and_the_time_left() -> None:
    async def text() -> str:
        return str(Progress(tasks_wanted=4000, tasks_done=200, pace=Pace(Quota(250, 6))))

    assert asyncio.run(text()) == "200 of 4,000 tasks, about 85 s at 250 requests per 6 s"
