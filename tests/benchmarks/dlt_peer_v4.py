"""The same work over API v4 with dlt, as its documentation shows it: registers, a parallel transformer, merge by id.

Runs in an environment of its own, see config/bench.txt; prints tasks and seconds as JSON.
"""

import itertools
import json
import logging
import os
import time

import dlt
import requests

ORIGIN = os.environ["PYRUS_URL"]
MOST = int(os.environ["PEER_TASKS"])


def token() -> str:
    credentials = {"login": os.environ["PYRUS_LOGIN"], "security_key": os.environ["PYRUS_SECURITY_KEY"]}
    return requests.post(f"{ORIGIN}/api/v4/auth", json=credentials, timeout=60).json()["access_token"]


session = requests.Session()
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=16))
session.headers["Authorization"] = f"Bearer {token()}"


def ids():
    for form in session.get(f"{ORIGIN}/api/v4/forms", timeout=60).json()["forms"]:
        asked = {"include_archived": "y", "item_count": 20000}
        answer = session.post(f"{ORIGIN}/api/v4/forms/{form['id']}/register", json=asked, timeout=600).json()
        yield from (task["id"] for task in answer.get("tasks", []))


@dlt.resource(write_disposition="replace", selected=False)
def listed():
    yield [{"id": task_id} for task_id in itertools.islice(ids(), MOST)]


@dlt.transformer(data_from=listed, write_disposition="merge", primary_key="id", name="tasks")
def fetched(tasks):
    @dlt.defer
    def one(task_id):
        return session.get(f"{ORIGIN}/api/v4/tasks/{task_id}", timeout=60).json()["task"]

    for task in tasks:
        yield one(task["id"])


def main() -> None:
    os.environ.setdefault("EXTRACT__WORKERS", "16")
    os.environ.setdefault("NORMALIZE__WORKERS", "2")
    destination = dlt.destinations.postgres(os.environ["DATABASE_URL"])
    logging.getLogger("dlt").setLevel(logging.ERROR)
    pipeline = dlt.pipeline("pyrus", destination=destination, dataset_name="dlt", dev_mode=True)
    began = time.perf_counter()
    pipeline.run(fetched)
    seconds = time.perf_counter() - began
    with pipeline.sql_client() as client, client.execute_query("SELECT count(*) FROM tasks") as cursor:
        (tasks,) = cursor.fetchone()
    assert tasks == MOST, f"{tasks} tasks are stored, expected {MOST}"
    print(json.dumps({"tasks": tasks, "seconds": seconds}))


if __name__ == "__main__":
    main()
