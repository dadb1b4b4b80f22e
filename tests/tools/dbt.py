"""`make dbt`: dbt reads the sources that `pyrus-etl dbt` writes, and its tests and its freshness hold.

`python -m tests.tools.dbt DBT`, where DBT is the program. dbt's own parser must find every relation and column with the
description that the database has, also if names are YAML, Jinja and SQL.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.postgres.conninfo import parts_of
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.yaml import document
from pyrus_etl.settings import Secret
from tests.reports.test_dbt import DESCRIBED, HOSTILE
from tests.runs import program
from tests.tools.organisation import organisation

TASKS = 300
_RENAME = """
    UPDATE pyrus.forms SET name = %(name)s WHERE form_id = (SELECT min(form_id) FROM pyrus.forms);
    UPDATE pyrus.projects SET name = %(name)s WHERE project_id = (SELECT min(form_id) FROM pyrus.report_views);
    UPDATE pyrus.form_fields SET field_name = %(name)s || field_id;
"""


def main() -> None:
    """Exits with an error if dbt finds one, or finds something else than the database has."""
    with organisation(TASKS) as url, tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        _write_project(project, url)
        with connect(url) as connection:
            _rename(connection)
            refresh(connection)
            done = program("dbt", "--out", str(project / "models"), database=url)
            assert done.returncode == 0, done.stderr
            _dbt(project, "parse", "--warn-error")
            _compare(project, connection)
        _dbt(project, "source", "freshness", "--warn-error")
        _dbt(project, "test", "--warn-error")


def _rename(connection: Connection) -> None:
    for statement in _RENAME.strip().split(";\n"):
        connection.execute(statement.strip().rstrip(";").encode(), {"name": HOSTILE})


def _write_project(folder: Path, url: Secret) -> None:
    (folder / "models").mkdir()
    (folder / "dbt_project.yml").write_text(document({"name": "pyrus", "profile": "pyrus"}))
    given = parts_of(url)
    target = {
        "type": "postgres",
        "threads": 2,
        "host": given["host"],
        "port": int(given.get("port", "5432")),
        "user": given["user"],
        "password": given.get("password", ""),
        "dbname": given["dbname"],
        "schema": "dbt",
    }
    (folder / "profiles.yml").write_text(document({"pyrus": {"target": "here", "outputs": {"here": target}}}))


def _dbt(project: Path, *command: str) -> None:
    environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_VERSION_CHECK": "false"}
    where = ["--project-dir", str(project), "--profiles-dir", str(project)]
    words = [part for part in command if not part.startswith("--")]
    flags = [part for part in command if part.startswith("--")]
    print(f"$ dbt {' '.join(command)}", flush=True)
    subprocess.run([sys.argv[1], *flags, *words, *where], env=environment, cwd=project, check=True)


def _compare(project: Path, connection: Connection) -> None:
    """Raises AssertionError unless dbt has found every relation and column as the database describes them."""
    sources = json.loads((project / "target/manifest.json").read_text())["sources"].values()
    found = {
        (source["source_name"], source["name"]): (
            source["description"],
            {name: column["description"] for name, column in source["columns"].items()},
            {name: column["data_type"] for name, column in source["columns"].items()},
        )
        for source in sources
    }
    described = {
        (schema, name): (comment or "", {column: text or "" for column, text in columns.items()}, types)
        for schema, name, comment, columns, types in connection.execute(DESCRIBED.encode())
    }
    for relation in found.keys() | described.keys():
        assert found.get(relation) == described.get(relation), (relation, found.get(relation), described.get(relation))
    print(f"dbt has found {len(found)} tables and views as the database describes them.")


if __name__ == "__main__":
    main()
