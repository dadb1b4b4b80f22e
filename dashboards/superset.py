"""The dashboard for Superset: a ZIP of YAML files, as its own export makes them.

https://superset.apache.org/docs/configuration/importing-exporting-datasources
"""

import io
import json
import zipfile
from typing import Any
from uuid import UUID, uuid5

from dashboards.charts import CHARTS, SLUG, TITLE, Chart, rows
from pyrus_etl.reports.yaml import document

Json = dict[str, Any]

DATABASE = "Pyrus"
URI = "postgresql+psycopg2://reader@db.example.com/pyrus"
"""To be replaced by the user's own after the import."""
VERSION = "1.0.0"
"""Of the format."""

_IDS = UUID("5d4f1c0e-7f1d-4f0a-9a77-6c3e2d9b8a10")
"""Ids are made from this one and from names, so that they never change."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The date of all files in the ZIP, so that the same charts give the same ZIP."""
_HEIGHT = 50
_TYPES = {
    "number": "big_number_total",
    "bars": "echarts_timeseries_bar",
    "lines": "echarts_timeseries_line",
    "ranking": "echarts_timeseries_bar",
    "table": "table",
}
_TEXTS = {"account", "error", "form", "kind", "person", "status", "text"}
"""Columns of text; the others are numbers, except the dates on an axis."""


def bundle() -> bytes:
    """Returns the ZIP."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files().items():
            archive.writestr(zipfile.ZipInfo(f"{SLUG}/{name}", _EARLIEST), document(content))
    return packed.getvalue()


def files() -> dict[str, Json]:
    """Returns the files of the ZIP by name."""
    return {
        "metadata.yaml": {"version": VERSION, "type": "Dashboard", "timestamp": "1980-01-01T00:00:00+00:00"},
        f"databases/{DATABASE}.yaml": _database(),
        **{f"datasets/{DATABASE}/{chart.name}.yaml": _dataset(chart) for chart in CHARTS},
        **{f"charts/{chart.name}.yaml": _chart(chart) for chart in CHARTS},
        f"dashboards/{SLUG}.yaml": _dashboard(),
    }


def _id(kind: str, name: str) -> str:
    return str(uuid5(_IDS, f"{kind} {name}"))


def _database() -> Json:
    return {
        "database_name": DATABASE,
        "sqlalchemy_uri": URI,
        "expose_in_sqllab": True,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "extra": {"allows_virtual_table_explore": True},
        "uuid": _id("database", DATABASE),
        "version": VERSION,
    }


def _dataset(chart: Chart) -> Json:
    columns = [*([chart.along] if chart.along else []), *chart.values]
    return {
        "table_name": f"{SLUG}_{chart.name}",
        "main_dttm_col": chart.along if chart.has_dates else None,
        "description": chart.about,
        "schema": "pyrus_report",
        "sql": chart.query,
        "uuid": _id("dataset", chart.name),
        "columns": [_column(chart, name) for name in columns],
        "metrics": [],
        "version": VERSION,
        "database_uuid": _id("database", DATABASE),
    }


def _column(chart: Chart, name: str) -> Json:
    is_date = chart.has_dates and name == chart.along
    kind = "DATE" if is_date else "TEXT" if name in _TEXTS else "BOOLEAN" if name == "overdue" else "DOUBLE PRECISION"
    return {"column_name": name, "type": kind, "is_dttm": is_date, "groupby": True, "filterable": True}


def _chart(chart: Chart) -> Json:
    params = {"viz_type": _TYPES[chart.kind], "datasource": "1__table", "row_limit": 1000, **_shown(chart)}
    return {
        "slice_name": chart.title,
        "description": chart.about,
        "viz_type": _TYPES[chart.kind],
        "params": params,
        "query_context": json.dumps(_query(chart, params)),
        "uuid": _id("chart", chart.name),
        "version": VERSION,
        "dataset_uuid": _id("dataset", chart.name),
    }


def _shown(chart: Chart) -> Json:
    """The form of the chart, as Superset keeps it."""
    if chart.kind == "number":
        return {"metric": _metric(chart.values[0]), "subtitle": "hours", "y_axis_format": ".1f"}
    if chart.kind == "table":
        return {"query_mode": "raw", "all_columns": list(chart.values), "order_by_cols": []}
    along = {"x_axis": chart.along, "metrics": [_metric(value) for value in chart.values], "groupby": []}
    if chart.kind == "ranking":
        sorting = {"x_axis_sort": chart.values[0], "x_axis_sort_asc": True}
        return {**along, **sorting, "orientation": "horizontal", "show_value": True, "show_legend": False}
    return {
        **along,
        "time_grain_sqla": None,
        "show_legend": True,
        "rich_tooltip": True,
        "x_axis_time_format": "%Y-%m-%d",
    }


def _query(chart: Chart, params: Json) -> Json:
    """What the chart asks for; Superset's API and its reports use it, the browser makes its own."""
    asked: Json = {"filters": [], "extras": {}, "row_limit": 1000, "columns": [], "metrics": [], "orderby": []}
    if chart.kind == "table":
        asked |= {"columns": list(chart.values)}
    else:
        asked |= {
            "metrics": [_metric(value) for value in chart.values],
            "columns": [chart.along] if chart.along else [],
        }
    source = {"id": 1, "type": "table"}
    return {
        "datasource": source,
        "queries": [asked],
        "form_data": params,
        "result_format": "json",
        "result_type": "full",
    }


def _metric(column: str) -> Json:
    return {"expressionType": "SIMPLE", "column": {"column_name": column}, "aggregate": "SUM", "label": column}


def _dashboard() -> Json:
    return {
        "dashboard_title": TITLE,
        "description": "Made from the views of pyrus_report; see docs/dashboards.md of pyrus-etl.",
        "slug": SLUG,
        "uuid": _id("dashboard", SLUG),
        "position": _position(),
        "metadata": {"refresh_frequency": 0, "color_scheme": "supersetColors"},
        "version": VERSION,
        "published": True,
    }


def _position() -> Json:
    """The tree of the layout: the root, a grid, its rows, their charts."""
    lines = [(f"ROW-{number}", some) for number, some in enumerate(rows())]
    found: Json = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [line for line, _ in lines], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": TITLE}},
    }
    for line, some in lines:
        children = [f"CHART-{chart.name}" for chart in some]
        row = {"type": "ROW", "id": line, "children": children, "parents": ["ROOT_ID", "GRID_ID"]}
        found[line] = row | {"meta": {"background": "BACKGROUND_TRANSPARENT"}}
        found |= {child: _placed(child, chart, line) for child, chart in zip(children, some, strict=True)}
    return found


def _placed(child: str, chart: Chart, line: str) -> Json:
    meta = {
        "chartId": CHARTS.index(chart) + 1,
        "uuid": _id("chart", chart.name),
        "sliceName": chart.title,
        "width": chart.width,
        "height": _HEIGHT,
    }
    return {"type": "CHART", "id": child, "children": [], "parents": ["ROOT_ID", "GRID_ID", line], "meta": meta}
