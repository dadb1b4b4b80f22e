"""Draws tasks per second of each tool, and memory against tasks. Runs with the Python of the peers."""

import json
import re
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "pyrus-etl"
import matplotlib.pyplot as plt  # noqa: E402


def main() -> None:
    path = Path(sys.argv[1])
    figures = json.loads(path.read_text())["figures"]
    chart, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    speeds(left, figures.get("peers", []))
    memory(right, figures.get("growth", []))
    chart.savefig(path.with_suffix(".svg"), metadata={"Date": None})


def speeds(axes, figures) -> None:
    found = {figure["measure"]: figure["value"] for figure in figures if figure["unit"] == "tasks/s"}
    bars = axes.barh(list(found)[::-1], list(found.values())[::-1], color="#2b6cb0")
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set_title("tasks per second")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.18)


def memory(axes, figures) -> None:
    found = {int(re.sub(r"\D", "", f["measure"])): f["value"] for f in figures if f["unit"] == "MB"}
    axes.plot(list(found), list(found.values()), "o-", color="#2b6cb0")
    axes.set_xscale("log")
    axes.set_ylim(0, 220)
    axes.axhline(200, linestyle=":", color="#a0aec0")
    axes.set_title("peak memory of a backfill (MB) against its tasks")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
