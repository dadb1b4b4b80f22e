"""The schema obeys the rules of Citus, so that tables about tasks can be distributed by `task_id`.

https://docs.citusdata.com/en/stable/reference/common_errors.html: a unique key of a distributed table contains the
column that it is distributed by, and so does a foreign key between distributed tables. docs/scale.md says the rest.
"""

import re

from pyrus_etl.settings import Secret
from tests.runs import CHECKOUT
from tests.typing import Query

LOCAL = {"outbox", "service_files"}
"""Tables with a `task_id` that is not of the row's own task, or not known yet; they stay on one node."""
DISTRIBUTED = """
    SELECT array_agg(relname::text ORDER BY relname) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = 'pyrus'::regnamespace AND relkind IN ('r', 'p') AND attname = 'task_id'
"""
UNIQUE = """
    SELECT relname::text, array_agg(attname::text)
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
    JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE relnamespace = 'pyrus'::regnamespace AND indisunique GROUP BY indexrelid, relname
"""
FOREIGN = """
    SELECT child.relname::text, parent.relname::text,
        (SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))
    FROM pg_constraint JOIN pg_class AS child ON child.oid = conrelid JOIN pg_class AS parent ON parent.oid = confrelid
    WHERE child.relnamespace = 'pyrus'::regnamespace AND contype = 'f' AND conparentid = 0
"""


def test_every_unique_key_of_a_table_about_tasks_contains_the_task(database: Secret, query: Query) -> None:
    distributed = set(query(database, DISTRIBUTED)[0][0]) - LOCAL
    keys = query(database, UNIQUE)

    assert [(table, key) for table, key in keys if table in distributed and "task_id" not in key] == []
    assert distributed - {table for table, _ in keys} == set(), "each has a key"


def test_no_foreign_key_crosses_tasks(database: Secret, query: Query) -> None:
    """From one task to the same task, or between tables that are not distributed."""
    distributed = set(query(database, DISTRIBUTED)[0][0]) - LOCAL
    crossing = [
        (child, parent)
        for child, parent, key in query(database, FOREIGN)
        if (child in distributed or parent in distributed)
        and not ({child, parent} <= distributed and key == ["task_id"])
    ]

    assert crossing == []


def test_the_page_names_every_table_that_is_distributed(database: Secret, query: Query) -> None:
    text = (CHECKOUT / "docs/scale.md").read_text(encoding="utf-8")
    found = re.findall(r"create_distributed_table\('pyrus\.(\w+)'", text)

    assert sorted(found) == sorted(set(query(database, DISTRIBUTED)[0][0]) - LOCAL)
