"""Types of the fixtures."""

from typing import Any, Protocol

from pyrus_etl.settings import Secret


class Query(Protocol):
    """`query(url, sql, *parameters)`: the rows of a query."""

    def __call__(self, url: Secret, sql: str, *parameters: object) -> list[tuple[Any, ...]]: ...
