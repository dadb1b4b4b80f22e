"""`sources.yml` for dbt: tables and reports with the comments of the database, keys as tests, and freshness.

The properties are those of dbt 1.11: https://docs.getdbt.com/reference/source-properties
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Table

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.reports.keys import keys
from pyrus_etl.reports.wide_views import wide
from pyrus_etl.schema.metadata import REPORT_SCHEMA, SCHEMA, metadata

Properties = dict[str, Any]

_RELATIONS = """
    SELECT relname::text, obj_description(pg_class.oid, 'pg_class'), attname::text, format_type(atttypid, atttypmod),
           col_description(pg_class.oid, attnum)
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relnamespace = to_regnamespace(%s) AND relname = ANY (%s) AND attnum > 0 AND NOT attisdropped
    ORDER BY relname, attnum
"""
_JINJA = re.compile(r"\{(?=[{%#])")
_ABOUT = {
    SCHEMA: "Tasks, forms and people as Pyrus serves them, kept up to date by pyrus-etl.",
    REPORT_SCHEMA: "Reports on the tables of pyrus, created by pyrus-etl.",
}
_PARENT = {SCHEMA: "tasks", REPORT_SCHEMA: "current_tasks"}
"""The relation that has every task, by schema."""
_RUNS = {SCHEMA: "sync_runs", REPORT_SCHEMA: "sync_history"}
_ELSEWHERE = {"deleted_tasks", "open_errors", "outbox_notes", "outbox_overview"}
"""Reports that may have tasks which current_tasks does not have."""
_GOOD_RUN = "status = 'ok' and kind in ('backfill', 'sync', 'reconcile')"
_QUIET_DAYS = 3
"""A copy without a single changed task for longer than this gets a warning, even if its runs are good."""


class _Column(NamedTuple):
    name: str
    data_type: str
    comment: str | None


class _Relation(NamedTuple):
    """A table or a report. `key`: the columns that identify a row. `of_task`: its task_id is one of _PARENT."""

    schema: str
    name: str
    comment: str | None
    columns: list[_Column]
    key: tuple[str, ...]
    of_task: bool


def sources(connection: Connection, stale_after: timedelta) -> Properties:
    """Returns the properties of all our tables and of the reports that exist; user's own objects are left out.

    `stale_after`: how old the last good run may be before `dbt source freshness` fails; it warns after a third of that.
    """
    relations = {SCHEMA: list(_tables(connection)), REPORT_SCHEMA: list(_reports(connection))}
    return {"version": 2, "sources": [_source(schema, some, stale_after) for schema, some in relations.items()]}


def _tables(connection: Connection) -> Iterator[_Relation]:
    declared: Mapping[str, Table] = {table.name: table for table in metadata.sorted_tables}
    for name, comment, columns in _described(connection, SCHEMA, list(declared)):
        key = tuple(column.name for column in declared[name].primary_key)
        of_task = any(column.foreign_keys for column in declared[name].columns)
        yield _Relation(SCHEMA, name, comment, columns, key, of_task)


def _reports(connection: Connection) -> Iterator[_Relation]:
    known = keys(connection)
    for name, comment, columns in _described(connection, REPORT_SCHEMA, wide.reports(connection)):
        about_task = any(column.name == "task_id" for column in columns)
        of_task = about_task and name not in {*_ELSEWHERE, _PARENT[REPORT_SCHEMA]}
        yield _Relation(REPORT_SCHEMA, name, comment, columns, known.get(name, ()), of_task)


def _described(
    connection: Connection, schema: str, names: Sequence[str]
) -> Iterator[tuple[str, str | None, list[_Column]]]:
    """Yields each relation that exists: its name, its comment, and its columns in order."""
    found: dict[tuple[str, str | None], list[_Column]] = {}
    for name, comment, *column in connection.execute(_RELATIONS, [schema, list(names)]):
        found.setdefault((name, comment), []).append(_Column(*column))
    yield from ((name, comment, columns) for (name, comment), columns in found.items())


def _source(schema: str, relations: Sequence[_Relation], stale_after: timedelta) -> Properties:
    return {
        "name": schema,
        "description": _ABOUT[schema],
        "tables": [_table(relation, stale_after) for relation in relations],
    }


def _table(relation: _Relation, stale_after: timedelta) -> Properties:
    whole_key = [_unique(relation)] if len(relation.key) > 1 else []
    return {
        "name": relation.name,
        **_description(relation.comment),
        "config": _freshness(relation, stale_after),
        **_tests(whole_key),
        "columns": [_column(relation, column) for column in relation.columns],
    }


def _column(relation: _Relation, column: _Column) -> Properties:
    in_key = column.name in relation.key
    alone = ["unique"] if relation.key == (column.name,) else []
    related = [_related(relation.schema)] if relation.of_task and column.name == "task_id" else []
    return {
        "name": column.name,
        **_description(column.comment),
        "data_type": column.data_type,
        **_tests([*(["not_null"] if in_key else []), *alone, *related]),
    }


def _unique(relation: _Relation) -> Properties:
    """The test of a key of several columns: dbt's own, on a row of them."""
    row = f"({', '.join(relation.key)})"
    return {"unique": {"name": f"unique_{relation.schema}_{relation.name}_key", "arguments": {"column_name": row}}}


def _related(schema: str) -> Properties:
    return {"relationships": {"arguments": {"to": f"source('{schema}', '{_PARENT[schema]}')", "field": "task_id"}}}


def _tests(tests: Sequence[str | Properties]) -> Properties:
    return {"data_tests": list(tests)} if tests else {}


def _description(comment: str | None) -> Properties:
    """A comment as dbt takes it: it would run Jinja in it, and names of forms and fields are anybody's."""
    return {"description": _JINJA.sub("{{ '{' }}", comment)} if comment else {}


def _freshness(relation: _Relation, stale_after: timedelta) -> Properties:
    """How the age of the data is known: by the runs; of tasks, also by the last change."""
    if relation.name == _RUNS[relation.schema]:
        hours = max(1, round(stale_after / timedelta(hours=1)))
        ages = {"warn_after": _age(max(1, hours // 3), "hour"), "error_after": _age(hours, "hour")}
        return {"loaded_at_field": "finished_at", "freshness": {**ages, "filter": _GOOD_RUN}}
    if all(column.name != "synced_at" for column in relation.columns):
        return {"freshness": None}
    changed = {"warn_after": _age(_QUIET_DAYS, "day")} if relation.name == _PARENT[SCHEMA] else None
    return {"loaded_at_field": "synced_at", "freshness": changed}


def _age(count: int, period: str) -> Properties:
    return {"count": count, "period": period}
