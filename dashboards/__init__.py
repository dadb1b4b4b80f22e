"""Dashboards for Superset, Grafana and Metabase, generated from the charts that are declared in `charts.py`.

`python -m dashboards` writes the files into deploy/; `make docs` does it too. docs/dashboards.md says how to import
them.
"""
