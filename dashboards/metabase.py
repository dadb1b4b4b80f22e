"""The dashboard for Metabase: the bodies of the requests by which metabase/create.py makes it over Metabase's API.

Metabase's own files (serialization) need a paid edition; its API does not.
https://www.metabase.com/docs/latest/api
"""

from typing import Any

from dashboards.charts import CHARTS, COLUMNS, TITLE, Chart, rows

Json = dict[str, Any]

_GRID = 24
_HEIGHT = 7
_TYPES = {"number": "scalar", "bars": "bar", "lines": "line", "ranking": "row", "table": "table"}
_ABOUT = "Made from the views of pyrus_report; see docs/dashboards.md of pyrus-etl."


def requests() -> Json:
    """Returns the collection, the cards and the dashboard, without the ids that Metabase gives."""
    return {
        "collection": {"name": TITLE, "description": _ABOUT},
        "cards": [_card(chart) for chart in CHARTS],
        "dashboard": {"name": TITLE, "description": _ABOUT},
        "places": [place for row, some in enumerate(rows()) for place in _placed(row, some)],
    }


def _card(chart: Chart) -> Json:
    return {
        "name": chart.title,
        "description": chart.about,
        "display": _TYPES[chart.kind],
        "dataset_query": {"type": "native", "native": {"query": chart.query, "template-tags": {}}},
        "visualization_settings": _settings(chart),
    }


def _settings(chart: Chart) -> Json:
    if chart.along is None:
        return {}
    return {"graph.dimensions": [chart.along], "graph.metrics": list(chart.values)}


def _placed(row: int, some: list[Chart]) -> list[Json]:
    """Where the cards of a row are: in the order of `cards`."""
    scale, found, column = _GRID // COLUMNS, list[Json](), 0
    for chart in some:
        found.append({"row": row * _HEIGHT, "col": column, "size_x": chart.width * scale, "size_y": _HEIGHT})
        column += chart.width * scale
    return found
