"""What must not be stored is in no table, raw bodies and errors included."""

import re

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.schema import metadata
from pyrus_etl.settings import Secret
from tests.runs import sync
from tests.typing import Query

RULES = {
    "PYRUS_ETL_HASH_KEY": "a key of one's own",
    "PYRUS_ETL_HASHED": "person/email, */email",
    "PYRUS_ETL_LEFT_OUT": "person/phone, */phone, */files, */externalformauthor",
}


def everything(database: Secret, query: Query) -> str:
    """Every row of every table of ours as text, except the logins of runs."""
    tables = [table.fullname for table in metadata.sorted_tables if table.name != "sync_runs"]
    return "\n".join(str(row) for table in tables for row in query(database, f"SELECT t::text FROM {table} t"))


def test_no_table_has_what_is_hidden(database: Secret, query: Query) -> None:
    with Sandbox(World(3, tasks=80)) as sandbox:
        sandbox.world.put(sandbox.world.create()[0], b'{"TaskWithNotes": {"Text": "hidden@x.org"')
        assert sync(sandbox, database, **RULES).counts.tasks_failed == 1

    stored = everything(database, query)
    assert re.findall(r"[\w.]+@[\w.]+", stored) == []
    assert query(database, "SELECT count(*) FROM pyrus.attachments WHERE field_id IS NOT NULL") == [(0,)]
    (known,) = query(database, "SELECT count(*) FROM pyrus.persons WHERE email LIKE 'hmac-sha256:%'")
    assert known > (0,)
    (values,) = query(
        database, "SELECT count(value_text), count(*) FROM pyrus.form_values WHERE value_text LIKE 'hmac%'"
    )
    assert values[0] == values[1] > 0


def test_a_second_run_under_the_same_rules_writes_nothing(database: Secret) -> None:
    with Sandbox(World(3, tasks=40)) as sandbox:
        sync(sandbox, database, **RULES)
        counts = sync(sandbox, database, **RULES).counts

    assert (counts.tasks_changed, counts.tasks_failed) == (0, 0)
