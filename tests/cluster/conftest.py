"""A cluster in a database of its own, with the files that its accounts name."""

from pathlib import Path

import pytest

from pyrus_etl.settings import Secret
from tests.cluster.clusters import Cluster


@pytest.fixture
def cluster(empty_database: Secret, tmp_path: Path) -> Cluster:
    """A cluster with its tables, and no account."""
    made = Cluster(empty_database, tmp_path)
    assert made.program("cluster", "init").returncode == 0
    return made
