"""What the demo draws with: a console, headings, lines, tables, and values for people."""

import sys
from datetime import timedelta
from decimal import Decimal
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 100


def table_of(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=box.ROUNDED, header_style="bold", border_style="dim")
    for name, value in rows[0].items():
        is_text = isinstance(value, str) and not value.endswith("%")
        table.add_column(name, justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(value)) for value in row.values()))
    return table


def shown(value: Any) -> str:
    """A value, formatted for people."""
    if isinstance(value, timedelta):
        minutes = int(value.total_seconds()) // 60
        days, hours = minutes // 1440, minutes // 60
        if days >= 10:
            return f"{days} days"
        return f"{days} d {hours % 24} h" if days else f"{hours} h {minutes % 60} min"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    return "" if value is None else " ".join(str(value).split())


def open_console() -> Console:
    """stdout, at most 100 columns wide; a character that it cannot encode becomes a question mark."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console


def chapter(console: Console, number: int | str, title: str, command: str = "") -> None:
    console.print()
    heading = f"[bold cyan]{number}[/]  [bold]{title}[/]" + (f"  [dim]$ {command}[/]" if command else "")
    console.rule(heading, align="left", style="dim")


def line(console: Console, text: str) -> None:
    console.print(f"  {text}", soft_wrap=True)


def short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
