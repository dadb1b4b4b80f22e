"""The figures as tables in a page, between two markers; the text around them stays."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of the figures -->"
TITLES = {
    "peers": "A backfill, its stages alone, and dlt",
    "v4": "API v4: first rows, full rows, syncs, and dlt",
    "files": "Contents of attachments, curl and s3fs",
    "growth": "As the work grows",
    "following": "Once much is stored",
    "serving": "One process that stays, with webhooks",
    "ledger": "One quota, several processes",
    "bots": "Several bots, each with a quota of its own",
    "cluster": "Several workers: one is killed, one is frozen",
    "push": "Write-back, 16 requests in flight",
    "odd": "Worlds with very many rows of one kind",
    "quota": "A quota of 100 requests in 2 seconds",
    "start": "Start",
}


def write_table(page: Path, found: dict[str, Any]) -> None:
    """Replaces the figures between the markers of the page, if it exists."""
    if page.exists():
        tables = "\n".join([BEGIN, "", *_lines(found), END])
        text = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: tables, page.read_text(), flags=re.DOTALL)
        page.write_text(text)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    machine = found["machine"]
    yield f"Measured on {found['measured_on']}: {machine['cores']} cores, Python {machine['python']}.\n"
    for name, title in TITLES.items():
        if figures := found["figures"].get(name):
            yield f"**{title}**\n\n| measure | | to reach | |\n|---|---|---|---|"
            for figure in figures:
                result = {True: "reached", False: "missed", None: ""}[figure["reached"]]
                value = f"{figure['value']:,.{_digits(figure['value'])}f} {figure['unit']}".strip()
                yield f"| {figure['measure']} | {value} | {figure['goal']} | {result} |"
            yield ""


def _digits(value: float) -> int:
    """The number of decimals that a reader needs."""
    return 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2 if value >= 0.1 else 4
