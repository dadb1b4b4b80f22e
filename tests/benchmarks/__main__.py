"""Measures, and writes the figures as a table, as JSON and as a picture: `make bench`, or --quick within a minute."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks import measures
from tests.benchmarks.api_v4 import api_v4
from tests.benchmarks.bots import bots
from tests.benchmarks.cluster import cluster
from tests.benchmarks.figure import Figure, Measure
from tests.benchmarks.files import LARGE, files
from tests.benchmarks.ledger import ledger
from tests.benchmarks.pushing import pushing
from tests.benchmarks.serving import serving
from tests.benchmarks.stand import Stand, test_stand
from tests.benchmarks.table import write_table


def main() -> int:
    arguments = _arguments()
    found: dict[str, list[Figure]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, test_stand(Path(folder)) as stand:
        for name, measure in _chosen(arguments, stand).items():
            print(f"\n{name}", flush=True)
            found[name] = []
            for figure in measure():
                found[name].append(figure)
                print(_line(figure), flush=True)
    if arguments.json:
        write_table(arguments.json.with_suffix(".md"), _write(arguments.json, found))
        if arguments.peers:
            subprocess.run([arguments.peers, Path(__file__).with_name("picture.py"), arguments.json], check=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "measures",
        nargs="*",
        help="peers, v4, bots, files, growth, following, serving, push, odd, cluster, quota, ledger, start; or all",
    )
    parser.add_argument("--quick", action="store_true", help="small worlds: shows that it works, not how fast it is")
    parser.add_argument("--large", action="store_true", help="growth up to a million tasks, about twenty minutes more")
    parser.add_argument(
        "--peers", type=Path, metavar="PYTHON", help="Python of an environment with config/bench.txt installed"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="file for the figures; the picture is written beside it"
    )
    return parser.parse_args()


def _chosen(arguments: argparse.Namespace, stand: Stand) -> dict[str, Measure]:
    share = 20 if arguments.quick else 1
    sizes = [10_000 // share, 100_000 // share] + [1_000_000] * arguments.large
    known: dict[str, Measure] = {
        "start": measures.start,
        "quota": partial(measures.quota, stand),
        "ledger": partial(ledger, stand),
        "peers": partial(measures.peers, stand, 20_000 // share, arguments.peers, 5_000 // share),
        "v4": partial(
            api_v4, stand, 105_000 // share, 15_000 // share, 1_000 // share, arguments.peers, 5_000 // share
        ),
        "bots": partial(bots, stand, 24_000 // share, 1_000 // share),
        "files": partial(files, stand, 10_000 // share, LARGE // share, arguments.peers),
        "growth": partial(measures.growth, stand, sizes),
        "following": partial(measures.following, stand, 100_000 // share, 1_000 // share),
        "serving": partial(serving, stand, 20_000 // share, max(5, 40 // share)),
        "push": partial(pushing, stand, 3_000 // share, 10_000 // share),
        "odd": partial(measures.odd, stand, share),
        "cluster": partial(cluster, stand, 20_000 // share, f"{600 // share}/2s"),
    }
    return {name: known[name] for name in arguments.measures or known}


def _line(figure: Figure) -> str:
    result = {True: "reached", False: "MISSED", None: ""}[figure.reached]
    return f"  {figure.measure:<58} {figure.value:>10,.4g} {figure.unit:<15} {figure.goal:>8} {result}"


def _write(path: Path, found: dict[str, list[Figure]]) -> dict[str, Any]:
    """Adds the figures to those of other measures in the file, and returns all of them."""
    earlier = json.loads(path.read_text()) if path.exists() else {}
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    measured = {name: [figure._asdict() for figure in figures] for name, figures in found.items()}
    measured_on = f"{datetime.now(UTC):%Y-%m-%d}"
    whole = {"machine": machine, "measured_on": measured_on, "figures": earlier.get("figures", {}) | measured}
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    return whole


if __name__ == "__main__":
    sys.exit(main())
