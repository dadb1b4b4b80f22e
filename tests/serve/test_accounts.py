"""One process that stays, for several accounts: each has its own schedule, and what one fails with stops no other."""

from dataclasses import replace
from datetime import timedelta

from pyrus_etl.errors import SettingsError
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT, EVERYBODY
from pyrus_etl.serve.schedule import Schedule
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.settings.account import Account
from tests.conftest import settings_for
from tests.processes import eventually
from tests.serve.test_webhook import about, outcomes, sent
from tests.serving import Serving
from tests.typing import Query

BOB = EVERYBODY[21].id
LOGINS = {"ann": "robot@northlight.example", "bob": "bob@northlight.example"}
STORED = "SELECT task_id FROM pyrus.raw_tasks ORDER BY 1"
NEXT = "SELECT account_id, last_exit FROM pyrus.accounts WHERE next_at IS NOT NULL ORDER BY 1"
HINTS = "SELECT task_id FROM pyrus.sync_hints"


def of_both(sandbox: Sandbox, database: Secret) -> Settings:
    """The settings of both accounts, and of one whose key is not on this machine."""
    settings = settings_for(sandbox, database, PYRUS_LOGIN="", PYRUS_API="v4")
    accounts = tuple(
        Account(
            name=name, login=login, security_key=settings.security_key, url=settings.url, quota=settings.quota, api="v4"
        )
        for name, login in LOGINS.items()
    )
    faulty = replace(accounts[0], name="cid", fault=SettingsError("There is no such file."))
    return replace(settings, security_key=None, accounts=(*accounts, faulty), has_several=True)


def test_each_account_is_kept_up_to_date(database: Secret, query: Query, impatient: None) -> None:
    world = World(1, tasks=12, forms=1)
    ids = world.task_ids()
    world.hide(ids[0], ACCOUNT.id)
    world.hide(ids[1], BOB)
    sandbox = Sandbox(world, accounts={LOGINS["bob"]: BOB})
    with sandbox, Serving(of_both(sandbox, database), Schedule(every=timedelta(seconds=4))) as served:
        eventually(lambda: served.get("/readyz").status == 200)
        eventually(lambda: query(database, NEXT) == sorted([(ACCOUNT.id, 0), (BOB, 0)]))
        assert [task_id for (task_id,) in query(database, STORED)] == sorted(ids)
        assert sandbox.requests.logins == 2

        assert sent(served, about(ids[1])).status == 200
        eventually(lambda: query(database, HINTS) == [])
        assert outcomes(served)["accepted"] == 1

        query(database, "UPDATE pyrus.accounts SET next_at = NULL")
        sandbox.reconfigure(accounts={})
        sandbox.revoke_tokens()
        refused = f"{LOGINS['bob']}: The last sync failed: Pyrus refused"
        eventually(lambda: served.get("/readyz").json["reason"].startswith(refused))
        eventually(lambda: (ACCOUNT.id, 0) in query(database, NEXT))
    assert query(database, NEXT) == [], "nobody runs them any more"
