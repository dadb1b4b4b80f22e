"""The same work with dlt, as its documentation shows it: a list, a parallelised transformer, merge by id.

Runs in an environment of its own, see config/bench.txt; prints tasks and seconds as JSON.
"""

import json
import logging
import os
import time

import dlt
import requests

ORIGIN = os.environ["PYRUS_URL"]
MOST = int(os.environ["PEER_TASKS"])


def token() -> str:
    credentials = {
        "Login": os.environ["PYRUS_LOGIN"],
        "SecurityKey": os.environ["PYRUS_SECURITY_KEY"],
        "ClientId": os.environ["PYRUS_CLIENT_ID"],
    }
    answer = requests.post(f"{ORIGIN}/restapi/getaccesstoken", json=credentials, timeout=60)
    return answer.json()["AccessToken"]


session = requests.Session()
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=16))
session.headers["Authorization"] = f"Bearer {token()}"


@dlt.resource(write_disposition="replace", selected=False)
def listed():
    asked = {"IncludeClosedTasks": True, "MaximumItemsCount": MOST}
    yield session.post(f"{ORIGIN}/restapi/searchtasks", json=asked, timeout=600).json()["Tasks"]


@dlt.transformer(data_from=listed, write_disposition="merge", primary_key="Id", name="tasks")
def fetched(tasks):
    @dlt.defer
    def one(task_id):
        return session.get(f"{ORIGIN}/restapi/v3/task/{task_id}", timeout=60).json()["TaskWithNotes"]

    for task in tasks:
        yield one(task["Id"])


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
