"""Figures in the text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/."""

from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "pyrus_etl_"


def exposed(families: Iterable[Metric]) -> bytes:
    """The figures as text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(families))
    return generate_latest(registry)


def counter(name: str, about: str, labels: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Metric:
    """A counter with a sample for each row: its labels, then its value."""
    return _filled(CounterMetricFamily(PREFIX + name, about, labels=labels), rows)


def gauge(name: str, about: str, labels: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Metric:
    """A gauge with a sample for each row: its labels, then its value."""
    return _filled(GaugeMetricFamily(PREFIX + name, about, labels=labels), rows)


class _Collected(Collector):
    """Families that are collected once."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, rows: Iterable[tuple[Any, ...]]
) -> CounterMetricFamily | GaugeMetricFamily:
    for *labels, value in sorted(rows):
        family.add_metric(labels, value)
    return family
