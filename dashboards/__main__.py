"""Writes the files of the dashboards: `python -m dashboards [FOLDER]`, by default deploy/."""

import json
import sys
from pathlib import Path

from dashboards import grafana, metabase, superset
from pyrus_etl.reports.yaml import document


def generated() -> dict[str, bytes]:
    """Returns the files by their paths in deploy/."""
    return {
        "superset/pyrus.zip": superset.bundle(),
        "grafana/pyrus.json": _json(grafana.dashboard()),
        "grafana/datasource.yaml": document(grafana.data_source()).encode(),
        "grafana/provider.yaml": document(grafana.provider()).encode(),
        "metabase/pyrus.json": _json(metabase.requests()),
    }


def write(folder: Path) -> None:
    """Writes them into a folder."""
    for name, content in generated().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _json(value: object) -> bytes:
    return f"{json.dumps(value, indent=2)}\n".encode()


if __name__ == "__main__":
    write(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1] / "deploy")
