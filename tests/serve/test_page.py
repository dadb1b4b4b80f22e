"""The page at `/`: made when it is asked for, and behind a password."""

import base64
import re

import msgspec

from pyrus_etl.cli.serve import exposure
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.serve.http import Address
from pyrus_etl.settings import Secret, Settings
from tests.conftest import settings_for
from tests.processes import eventually
from tests.runs import sync
from tests.serving import Reply, Serving
from tests.typing import Query

PASSWORD = "пароль: 7"


def basic(text: str, scheme: str = "Basic") -> dict[str, str]:
    return {"Authorization": f"{scheme} {base64.b64encode(text.encode()).decode()}"}


def tasks_on(page: Reply) -> int:
    """The number of tasks that the page shows."""
    text = page.body.decode()
    (found,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    return int(msgspec.json.decode(found)["tasks"])


def test_the_page_is_fresh_and_needs_its_password(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=10)) as sandbox:
        sync(sandbox, database)
        settings = settings_for(sandbox, database, PYRUS_ETL_PAGE_PASSWORD=PASSWORD)
        with Serving(settings) as served:
            eventually(lambda: served.get("/readyz").status == 200)
            refused = [
                served.get("/"),
                *(served.get("/", **basic(f"anybody:{wrong}")) for wrong in ("", "wrong", f"{PASSWORD} ")),
                served.get("/", **basic(f"anybody:{PASSWORD}", "Bearer")),
                served.get("/", Authorization="Basic ÿ"),
                served.get("/", Authorization="Basic"),
            ]
            first = served.get("/", **basic(f"anybody:{PASSWORD}"))
            query(
                database,
                "UPDATE pyrus.tasks SET deleted_at = now() WHERE task_id = (SELECT min(task_id) FROM pyrus.tasks)",
            )
            second = served.get("/", **basic(f"anybody:{PASSWORD}", "basic"))

    assert {reply.status for reply in refused} == {401}
    assert {reply.headers["WWW-Authenticate"] for reply in refused} == {'Basic realm="pyrus-etl", charset="UTF-8"'}
    assert not any(b"task" in reply.body for reply in refused)
    assert (first.status, first.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert first.headers["Cache-Control"] == "no-store"
    assert tasks_on(second) == tasks_on(first) - 1


def test_without_a_password_everybody_may_read_it_unless_it_is_off(database: Secret) -> None:
    with Sandbox(World(1, tasks=0)) as sandbox:
        settings = settings_for(sandbox, database)
        with Serving(settings) as served:
            assert served.get("/").status == 200
        with Serving(settings, has_page=False) as served:
            assert served.get("/").status == 404


def test_a_page_that_others_can_read_needs_a_password() -> None:
    assert exposure(Address("127.0.0.1", 80), Settings()) is None
    assert exposure(Address("::1", 80), Settings()) is None
    assert exposure(Address("0.0.0.0", 80), Settings(page_password=Secret("7"))) is None
    assert exposure(Address("0.0.0.0", 80), Settings()) == (
        "everybody who reaches 0.0.0.0:80 can read the page; set PYRUS_ETL_PAGE_PASSWORD, or give --no-page"
    )
