"""Forms that an account loses: nothing of them is marked as deleted, and a run says so until they are back."""

from typing import Any

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation import people
from pyrus_etl.sandbox.v4.directory import Level
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.reconcile import reconcile
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.result import Result
from tests.runs import result_of
from tests.typing import Query

OWNER, FORM = people.ACCOUNT.id, 1003000


def carried_out(plan: Plan, sandbox: Sandbox, database: Secret, **more: Any) -> Result:
    return result_of(plan, sandbox, database, PYRUS_API="v4", **more)


@pytest.mark.parametrize("level", ["refused", "none"])
def test_a_form_that_is_lost_marks_nothing_until_it_is_back(database: Secret, query: Query, level: Level) -> None:
    with Sandbox(World(1, tasks=60)) as sandbox:
        directory = sandbox.world.v4.directory
        assert carried_out(sync(), sandbox, database).exit_code == 0
        directory.grant(OWNER, FORM, level)
        lost = [carried_out(plan, sandbox, database) for plan in (sync(), reconcile(), sync())]

        assert [result.exit_code for result in lost] == [6, 6, 6]
        assert [result.counts.tasks_deleted for result in lost] == [0, 0, 0]
        assert query(database, "SELECT form_id FROM pyrus.forms WHERE lost_at IS NOT NULL") == [(FORM,)]
        assert query(database, "SELECT count(*) FROM pyrus.tasks WHERE deleted_at IS NOT NULL") == [(0,)]
        assert carried_out(sync(), sandbox, database, PYRUS_ETL_FORMS=f"-{FORM}").exit_code == 0, "it is left out"

        directory.grant(OWNER, FORM, "manager")
        assert carried_out(sync(), sandbox, database).exit_code == 0
        assert carried_out(reconcile(), sandbox, database).exit_code == 0
        assert query(database, "SELECT count(*) FROM pyrus.forms WHERE lost_at IS NOT NULL") == [(0,)]
        assert query(database, "SELECT count(*) FROM pyrus.tasks WHERE deleted_at IS NOT NULL") == [(0,)]
