"""The keys of the reports: columns that together are never null and never twice in a report.

Reports that are not named here have no such key: their rows are events, or may be about no form or no project.
"""

from psycopg import sql

from pyrus_etl.postgres.connection import Connection

_TASK = ("task_id",)
KEYS: dict[str, tuple[str, ...]] = {
    "clock": ("time_zone",),
    "current_tasks": _TASK,
    "cycle_times": _TASK,
    "deleted_tasks": _TASK,
    "outbox_overview": ("outbox_id",),
    "overdue_tasks": _TASK,
    "person_names": ("person_id",),
    "person_workload": ("person_id",),
    "project_paths": ("project_id",),
    "project_summary": ("project_id",),
    "project_tasks": ("project_id", "task_id"),
    "reopened_tasks": _TASK,
    "run_accounts": ("run_id",),
    "silent_tasks": _TASK,
    "sync_history": ("run_id",),
    "task_notes": ("task_id", "note_no"),
    "task_overview": _TASK,
}
_WIDE = """
    SELECT view_name, table_id IS NOT NULL, false FROM pyrus.report_views
    UNION ALL SELECT view_name, false, true FROM pyrus.report_catalogs
"""


def keys(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Returns the key of each report that has one, wide views and views of catalogs included."""
    found = connection.execute(sql.SQL(_WIDE)).fetchall()
    return KEYS | {
        view: ("item_id",) if of_catalog else ("task_id", "row_id") if of_rows else _TASK
        for view, of_rows, of_catalog in found
    }
