"""The dashboards that come with pyrus-etl are up to date, and every query in them has rows in an ordinary database.

`make superset` tries Superset's in Superset itself.
"""

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from dashboards.__main__ import generated
from dashboards.charts import CHARTS, COLUMNS, rows
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.reports.dbt import sources
from pyrus_etl.settings import Secret
from tests.runs import CHECKOUT
from tests.scripted import Asked, Reply, scripted
from tests.tools.organisation import fill

DEPLOY = CHECKOUT / "deploy"
TASKS = 100
OF_AN_UNKNOWN_TASK = "INSERT INTO pyrus.outbox (action, task_id, body) VALUES ('comment', 1, '{\"text\": \"Hello\"}')"
STALE_AFTER = timedelta(hours=36)
OVER_TIME = re.compile(r"\$__timeFilter\((\w+)\)")


def in_superset() -> Iterator[tuple[str, set[str]]]:
    """Every query of the ZIP, with the columns that it must have."""
    with zipfile.ZipFile(io.BytesIO(generated()["superset/pyrus.zip"])) as archive:
        found = {name: yaml.safe_load(archive.read(name)) for name in archive.namelist()}
    queries = {content["uuid"]: content for name, content in found.items() if "/datasets/" in name}
    for name, content in found.items():
        if "/charts/" in name:
            (asked,) = json.loads(content["query_context"])["queries"]
            shown = {*asked["columns"], *(metric["column"]["column_name"] for metric in asked["metrics"])}
            dataset = queries[content["dataset_uuid"]]
            assert shown == {column["column_name"] for column in dataset["columns"]}
            yield dataset["sql"], shown


def in_grafana() -> Iterator[tuple[str, set[str]]]:
    for panel in json.loads(generated()["grafana/pyrus.json"])["panels"]:
        (target,) = panel["targets"]
        yield OVER_TIME.sub(r"\1 > now() - interval '1 year'", target["rawSql"]), set()


def in_metabase() -> Iterator[tuple[str, set[str]]]:
    for card in json.loads(generated()["metabase/pyrus.json"])["cards"]:
        settings = card["visualization_settings"]
        shown = {*settings.get("graph.dimensions", []), *settings.get("graph.metrics", [])}
        yield card["dataset_query"]["native"]["query"], shown


def test_the_files_are_those_of_the_charts() -> None:
    assert {name: (DEPLOY / name).read_bytes() == content for name, content in generated().items()} == dict.fromkeys(
        generated(), True
    ), "run make docs"


def test_in_an_ordinary_database_every_query_has_rows_and_every_key_holds(database: Secret) -> None:
    """The keys are those that `pyrus-etl dbt` writes as tests; `make dbt` runs them in dbt."""
    fill(database, TASKS)
    with connect(database) as connection:
        for made in (in_superset, in_grafana, in_metabase):
            queries = list(made())
            assert len(queries) == len(CHARTS)
            for query, shown in queries:
                check_query(connection, query, shown)
        connection.execute(OF_AN_UNKNOWN_TASK)
        found = sources(connection, STALE_AFTER)["sources"]
        unique, related = [list(chain.from_iterable(map(make, found))) for make in (keys, relations)]
        for query in [*unique, *related]:
            assert connection.execute(query.encode()).fetchall() == [], query
    assert len(unique) > 80
    assert len(related) > 40


def check_query(connection: Connection, query: str, shown: set[str]) -> None:
    """Fails unless the query has rows with these columns, and reads only the reports."""
    cursor = connection.execute(query.encode())
    assert cursor.fetchall(), query
    assert shown <= {column.name for column in cursor.description or []}, query
    assert not re.search(r"\bpyrus\.", query), "readers see only pyrus_report"


def keys(source: dict[str, Any]) -> Iterator[str]:
    """A query for each key, which finds rows that have none, or the same."""
    for table in source["tables"]:
        whole = [test["unique"]["arguments"]["column_name"] for test in table.get("data_tests", [])]
        alone = [column["name"] for column in table["columns"] if "unique" in column.get("data_tests", [])]
        for key in [*whole, *alone]:
            relation = f"{source['name']}.{table['name']}"
            yield f"SELECT {key} FROM {relation} GROUP BY 1 HAVING count(*) > 1 OR NOT ({key} IS NOT NULL)"


def relations(source: dict[str, Any]) -> Iterator[str]:
    """A query for each relation, which finds rows whose task is not where the relation says."""
    for table in source["tables"]:
        for test in (test for column in table["columns"] for test in column.get("data_tests", [])):
            if isinstance(test, dict):
                schema, parent = re.findall(r"'(\w+)'", test["relationships"]["arguments"]["to"])
                of_some = f"SELECT task_id FROM {source['name']}.{table['name']} WHERE task_id IS NOT NULL"
                yield f"{of_some} EXCEPT SELECT task_id FROM {schema}.{parent}"


def test_charts_fill_the_width_and_are_never_on_top_of_each_other() -> None:
    panels = json.loads(generated()["grafana/pyrus.json"])["panels"]
    places = json.loads(generated()["metabase/pyrus.json"])["places"]

    assert {sum(chart.width for chart in row) for row in rows()} == {COLUMNS}
    for found in (
        [tuple(panel["gridPos"][name] for name in "xywh") for panel in panels],
        [tuple(place[name] for name in ("col", "row", "size_x", "size_y")) for place in places],
    ):
        cells = [
            (x, y)
            for left, top, width, height in found
            for x in range(left, left + width)
            for y in range(top, top + height)
        ]
        assert len(cells) == len(set(cells)) == 24 * (max(y for _, y in cells) + 1)


def created(url: str, database: str = "Pyrus") -> subprocess.CompletedProcess[str]:
    """Runs the program that creates the dashboard in Metabase."""
    command: list[str | Path] = [sys.executable, DEPLOY / "metabase/create.py", url, database]
    return subprocess.run(command, env={"METABASE_API_KEY": "mb_key"}, capture_output=True, text=True)


def test_metabase_gets_every_question_and_its_place() -> None:
    """The requests are those of Metabase's documentation; a scripted server gives the ids."""
    ids = iter(range(100, 200))

    def metabase(asked: Asked) -> Reply:
        if asked.path == "/api/database":
            databases = [{"id": 1, "name": "Sample Database"}, {"id": 7, "name": "Pyrus"}]
            return Reply(200, json.dumps({"data": databases}).encode())
        return Reply(200, json.dumps({"id": next(ids)}).encode())

    with scripted(metabase) as server:
        done = created(server.url)
        refused = created(server.url, "Pirus")
    bodies = {(asked.method, asked.path): json.loads(asked.body or b"null") for asked in server.asked}
    cards = [json.loads(asked.body) for asked in server.asked if asked.path == "/api/card"]

    assert done.stdout == f"The dashboard is at {server.url}/dashboard/{101 + len(CHARTS)}\n", done.stderr
    assert {asked.headers.get("x-api-key", asked.headers.get("X-Api-Key")) for asked in server.asked} == {"mb_key"}
    assert [(card["name"], card["dataset_query"]["database"], card["collection_id"]) for card in cards] == [
        (chart.title, 7, 100) for chart in CHARTS
    ]
    dashcards = bodies["PUT", f"/api/dashboard/{101 + len(CHARTS)}"]["dashcards"]
    assert [card["card_id"] for card in dashcards] == list(range(101, 101 + len(CHARTS)))
    assert refused.returncode == 1
    assert refused.stderr == "Metabase has no database 'Pirus'; it has: Sample Database, Pyrus\n"


def test_a_refusal_of_metabase_is_a_sentence() -> None:
    with scripted(lambda _: Reply(401, b"Unauthenticated")) as server:
        done = created(server.url)

    assert done.stderr == f"Metabase answered 401 to {server.url}/api/database: Unauthenticated\n"
    assert created("http://127.0.0.1:9").stderr == (
        "Metabase cannot be reached at http://127.0.0.1:9: [Errno 111] Connection refused\n"
    )
    assert created("http://metabase.example.com").stderr == (
        "Plain http would send the API key unencrypted; write https://…\n"
    )
