"""A progress bar on a terminal: how far a run is and what it waits for."""

import threading
from datetime import timedelta

from rich import progress as rich
from rich.console import Console, RenderableType
from rich.text import Text

from pyrus_etl.sync.progress import Progress


def bar(title: str, progress: Progress, ended: threading.Event) -> None:
    """Shows the progress until `ended` is set."""
    with display() as shown:
        line(shown, title, progress, ended)


def line(shown: rich.Progress, title: str, progress: Progress, ended: threading.Event) -> None:
    """Shows the progress in a line of the display until `ended` is set."""
    task = shown.add_task(title, total=None, wait=None, quota_seconds=0)
    while not ended.wait(0.1):
        update(shown, task, progress)
    shown.update(task, completed=progress.tasks_done, total=progress.tasks_done, wait=None)


def display(console: Console | None = None) -> rich.Progress:
    """Returns the bars with their columns; without a console, they are shown on stderr."""
    console = console or Console(stderr=True)
    name, count = rich.TextColumn("{task.description}"), rich.MofNCompleteColumn()
    return rich.Progress(name, _BarOrWait(), count, _Rate(), _TimeLeft(), console=console)


def update(shown: rich.Progress, task: rich.TaskID, progress: Progress) -> None:
    """Updates the bar from the run's current progress."""
    shown.update(
        task,
        completed=progress.tasks_done,
        total=progress.tasks_expected or None,
        wait=progress.wait,
        quota_seconds=progress.quota_seconds,
    )


class _BarOrWait(rich.BarColumn):
    """The bar or, while the run waits, the reason in its place."""

    def render(self, task: rich.Task) -> RenderableType:  # type: ignore[override] # rich allows any renderable
        wait = task.fields["wait"]
        return Text(wait.brief) if wait else super().render(task)


class _Rate(rich.ProgressColumn):
    """Tasks per second."""

    def render(self, task: rich.Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")


class _TimeLeft(rich.ProgressColumn):
    """The time left at the current rate or at the quota, whichever is longer."""

    def render(self, task: rich.Task) -> Text:
        seconds = max(task.time_remaining or 0, task.fields["quota_seconds"])
        left = str(timedelta(seconds=round(seconds))) if seconds or task.finished else "-:--:--"
        return Text(left, style="progress.remaining")
