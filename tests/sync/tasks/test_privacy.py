"""What must not be stored is in no table, raw bodies and errors included."""

import re
from typing import Any

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.schema import metadata
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.sync import sync as sync_plan
from pyrus_etl.sync.run import Budget
from tests.runs import program, result_of, sync
from tests.typing import Query

RULES: dict[str, Any] = {
    "PYRUS_ETL_HASH_KEY": "a key of one's own",
    "PYRUS_ETL_HASHED": "person/email, */email",
    "PYRUS_ETL_LEFT_OUT": (
        "person/phone, */phone, */files, */file, */externalformauthor, */external_form_author, */catalog"
    ),
}


OTHER_RULES = "stored rows follow other privacy rules; run pyrus-etl db rebuild"
ROWS = (
    ("pyrus.form_values", "task_id, value_no, field_id, field_type, value_text, value_json::text"),
    ("pyrus.note_form_values", "task_id, note_no, value_no, field_id, field_type, value_text, value_json::text"),
    ("pyrus.attachments", "task_id, attachment_id, name"),
    ("pyrus.persons", "person_id, email, phone, mobile_phone"),
)


def rows(database: Secret, query: Query) -> dict[str, list[tuple[object, ...]]]:
    return {table: query(database, f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3") for table, columns in ROWS}


def addresses(text: str) -> list[str]:
    return re.findall(r"[\w.]+@[\w.]+", text)


def checked(database: Secret, **environment: Any) -> str:
    """What `pyrus-etl check` says about the database."""
    return program("check", database=database, PYRUS_URL="http://127.0.0.1:1", **environment).stdout


def everything(database: Secret, query: Query) -> str:
    """Every row of every table of ours as text, except our logins, and catalogs."""
    left_out = ("sync_runs", "accounts", "catalog_items")
    tables = [table.fullname for table in metadata.sorted_tables if table.name not in left_out]
    return "\n".join(str(row) for table in tables for row in query(database, f"SELECT t::text FROM {table} t"))


def test_no_table_has_what_is_hidden(database: Secret, query: Query) -> None:
    with Sandbox(World(3, tasks=80)) as sandbox:
        sandbox.world.put(sandbox.world.create()[0], b'{"TaskWithNotes": {"Text": "hidden@x.org"')
        assert sync(sandbox, database, **RULES).counts.tasks_failed == 1

    stored = everything(database, query)
    assert addresses(stored) == []
    assert query(database, "SELECT count(*) FROM pyrus.attachments WHERE field_id IS NOT NULL") == [(0,)]
    (known,) = query(database, "SELECT count(*) FROM pyrus.persons WHERE email LIKE 'hmac-sha256:%'")
    assert known > (0,)
    (values,) = query(
        database, "SELECT count(value_text), count(*) FROM pyrus.form_values WHERE value_text LIKE 'hmac%'"
    )
    assert values[0] == values[1] > 0


@pytest.mark.parametrize("api", ["v3", "v4"])
def test_a_rebuild_hides_in_what_is_stored_what_new_rules_name(database: Secret, query: Query, api: str) -> None:
    """It leaves the rows that a run under these rules would have stored, and stops asking for a rebuild."""
    with Sandbox(World(3, tasks=60)) as sandbox:
        sandbox.world.put(sandbox.world.create()[0], b'{"TaskWithNotes": {"Text": "hidden@x.org"')  # for v3
        result_of(sync_plan(), sandbox, database, PYRUS_API=api)
        assert "hidden@x.org" in everything(database, query) or api == "v4"
        assert addresses(everything(database, query)) != []
        before = checked(database, **RULES)
        process = program("db", "rebuild", database=database, **RULES)
        again = program("db", "rebuild", "--json", database=database, **RULES)

        assert process.returncode == again.returncode == 0, process.stderr
        assert addresses(everything(database, query)) == []
        assert (OTHER_RULES in before, OTHER_RULES in checked(database, **RULES)) == (True, False)
        assert OTHER_RULES in checked(database)
        assert query(database, "SELECT count(*) FROM pyrus.persons WHERE email LIKE 'hmac-sha256:%'") != [(0,)]

        rebuilt = rows(database, query)
        query(database, "UPDATE pyrus.raw_tasks SET is_doubted = true")
        result_of(sync_plan(), sandbox, database, PYRUS_API=api, **RULES)
        assert rows(database, query) == rebuilt


def test_first_rows_without_a_body_are_read_again_under_new_rules(database: Secret, query: Query) -> None:
    with Sandbox(World(3, tasks=60)) as sandbox:
        result_of(backfill_plan(), sandbox, database, Budget(requests=60), PYRUS_API="v4", PYRUS_ETL_CONCURRENCY="1")
        assert query(database, "SELECT count(*) > 20 FROM pyrus.tasks WHERE detail_at IS NULL") == [(True,)]
        program("db", "rebuild", database=database, **RULES)
        assert addresses(everything(database, query)) == []

        result_of(backfill_plan(), sandbox, database, PYRUS_API="v4", **RULES)
        assert addresses(everything(database, query)) == []
        assert query(database, "SELECT count(*) FROM pyrus.tasks WHERE detail_at IS NULL") == [(0,)]


def test_a_second_run_under_the_same_rules_writes_nothing(database: Secret) -> None:
    with Sandbox(World(3, tasks=40)) as sandbox:
        sync(sandbox, database, **RULES)
        counts = sync(sandbox, database, **RULES).counts

    assert (counts.tasks_changed, counts.tasks_failed) == (0, 0)


def test_another_key_of_the_hashes_is_noticed_and_the_key_is_not_stored(
    database: Secret, query: Query, caplog: pytest.LogCaptureFixture
) -> None:
    other, advice = RULES | {"PYRUS_ETL_HASH_KEY": "another key"}, "stored values were hashed with another key"
    with Sandbox(World(3, tasks=5)) as sandbox:
        sync(sandbox, database, **RULES)
        same, warned = advice in checked(database, **RULES), advice in caplog.text
        sync(sandbox, database, **other)

    assert (same, warned, advice in caplog.text, advice in checked(database, **other)) == (False, False, True, True)
    assert advice not in checked(database)  # without rules, nothing is hashed
    program("db", "rebuild", database=database, **(other | {"PYRUS_ETL_CUT": "*/text:3"}))
    assert query(database, "SELECT length(key_check) FROM pyrus.privacy_rules") == [(4,)]
    assert advice in checked(database, **(other | {"PYRUS_ETL_CUT": "*/text:3"}))

    query(database, "UPDATE pyrus.privacy_rules SET key_check = NULL")
    with Sandbox(World(3, tasks=5)) as sandbox:
        sync(sandbox, database, **(other | {"PYRUS_ETL_CUT": "*/text:3"}))
    assert advice not in checked(database, **(other | {"PYRUS_ETL_CUT": "*/text:3"}))
