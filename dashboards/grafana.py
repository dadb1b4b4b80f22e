"""The dashboard for Grafana, and the files that provision it with its data source.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
https://grafana.com/docs/grafana/latest/administration/provisioning/
"""

from typing import Any

from dashboards.charts import COLUMNS, SLUG, TITLE, Chart, rows

Json = dict[str, Any]

_SOURCE = "grafana-postgresql-datasource"
_GRID = 24
_HEIGHT = 9
_TYPES = {"number": "stat", "bars": "timeseries", "lines": "timeseries", "ranking": "barchart", "table": "table"}


def dashboard() -> Json:
    """Returns the dashboard as Grafana imports it; a variable at its top chooses the data source."""
    panels = [
        _panel(chart, place, row)
        for row, some in enumerate(rows())
        for place, chart in zip(_places(some), some, strict=True)
    ]
    return {
        "uid": SLUG,
        "title": TITLE,
        "description": "Made from the views of pyrus_report; see docs/dashboards.md of pyrus-etl.",
        "tags": ["pyrus"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "timezone": "browser",
        "refresh": "5m",
        "time": {"from": "now-1y", "to": "now"},
        "templating": {"list": [{"type": "datasource", "name": "source", "label": "Data source", "query": _SOURCE}]},
        "panels": [panel | {"id": number} for number, panel in enumerate(panels, 1)],
    }


def data_source() -> Json:
    """Returns the data source; Grafana replaces the variables by those of its environment."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Pyrus",
                "uid": SLUG,
                "type": _SOURCE,
                "url": "$REPORTS_HOST:5432",
                "user": "$REPORTS_USER",
                "secureJsonData": {"password": "$REPORTS_PASSWORD"},
                "jsonData": {"database": "$REPORTS_DATABASE", "sslmode": "require", "postgresVersion": 1500},
            }
        ],
    }


def provider() -> Json:
    """Returns the provider, which reads the dashboard from a folder."""
    options = {"path": "/etc/grafana/dashboards"}
    return {"apiVersion": 1, "providers": [{"name": "Pyrus", "type": "file", "options": options}]}


def _places(some: list[Chart]) -> list[int]:
    """The first column of each chart of a row."""
    return [sum(chart.width for chart in some[:number]) for number in range(len(some))]


def _panel(chart: Chart, place: int, row: int) -> Json:
    scale = _GRID // COLUMNS
    return {
        "type": _TYPES[chart.kind],
        "title": chart.title,
        "description": chart.about,
        "datasource": _source(),
        "gridPos": {"x": place * scale, "y": row * _HEIGHT, "w": chart.width * scale, "h": _HEIGHT},
        "targets": [_target(chart)],
        "fieldConfig": {"defaults": _defaults(chart), "overrides": []},
        "options": _options(chart),
    }


def _target(chart: Chart) -> Json:
    """The query; of a chart over time, its axis is named as Grafana expects it, and only the chosen period is read."""
    columns = f"{chart.along} AS time, {', '.join(chart.values)}"
    chosen = f"$__timeFilter({chart.along})"
    over_time = f"SELECT {columns} FROM (\n{chart.query}\n) AS chart\nWHERE {chosen} ORDER BY time"  # noqa: S608 -- ours
    return {
        "refId": "A",
        "datasource": _source(),
        "format": "time_series" if chart.has_dates else "table",
        "editorMode": "code",
        "rawQuery": True,
        "rawSql": over_time if chart.has_dates else chart.query,
    }


def _source() -> Json:
    return {"type": _SOURCE, "uid": "${source}"}


def _defaults(chart: Chart) -> Json:
    if chart.kind == "number":
        return {"unit": "h", "decimals": 1}
    if chart.kind == "bars":
        return {"custom": {"drawStyle": "bars", "fillOpacity": 70, "lineWidth": 0}}
    if chart.kind == "lines":
        return {"custom": {"drawStyle": "line", "fillOpacity": 10, "lineWidth": 2, "showPoints": "never"}}
    return {}


def _options(chart: Chart) -> Json:
    if chart.kind == "number":
        return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value"}
    if chart.kind == "ranking":
        return {
            "orientation": "horizontal",
            "xField": chart.along,
            "showValue": "always",
            "legend": {"showLegend": False},
        }
    if chart.kind == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "none"}}
