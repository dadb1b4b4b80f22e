"""A bar on a terminal: how far a run is."""

import threading

from rich import progress as rich
from rich.console import Console
from rich.text import Text

from pyrus_etl.sync.report import Progress


def bar(title: str, progress: Progress, ended: threading.Event) -> None:
    """Shows the progress until it has ended."""
    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        _Rate(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(title, total=None)
        while not ended.wait(0.1):
            shown.update(task, completed=progress.tasks_done, total=progress.tasks_expected or None)
        shown.update(task, completed=progress.tasks_done, total=progress.tasks_done)


class _Rate(rich.ProgressColumn):
    """Tasks per second."""

    def render(self, task: rich.Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")
