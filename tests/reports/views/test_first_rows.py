"""Reports of a backfill through API v4 that has read the registers and lists, and then few bodies."""

from typing import Any

from pyrus_etl.reports.page.figures import figures
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.wide_views import wide
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.backfill import backfill
from pyrus_etl.sync.run import Budget
from tests.reports.conftest import Reports
from tests.reports.wide_views.test_wide import IN_FRONT
from tests.runs import carried_out, result_of


def shown(reports: Reports) -> dict[str, Any]:
    """What the reports say that does not depend on bodies: states, the backlog, and every value of every form."""
    refresh(reports.connection)
    views = [view for view in wide.view_names(reports.connection) if view.startswith("form_")]
    forms = {view: [row[:1] + row[IN_FRONT:] for row in reports.ask(f"SELECT * FROM {view}")] for view in views}
    return {
        "states": sorted(reports.ask("SELECT task_id, state FROM task_overview WHERE form_id IS NOT NULL")),
        "open": reports.ask(
            "SELECT form, sum(open) FROM backlog_age WHERE form IS NOT NULL GROUP BY form ORDER BY form"
        ),
        "forms": {view: sorted(rows, key=repr) for view, rows in forms.items()},
    }


def test_reports_of_first_rows_are_those_of_full_rows(reports: Reports, database: Secret) -> None:
    with Sandbox(World(1, tasks=120)) as sandbox:
        result_of(backfill(), sandbox, database, Budget(requests=100), PYRUS_API="v4")
        first, page = shown(reports), figures(reports.connection).scopes[0]
        carried_out(backfill(), sandbox, database, PYRUS_API="v4")
    full, full_page = shown(reports), figures(reports.connection).scopes[0]

    assert 0 < page.detailed < page.tasks / 2
    assert page.open == page.flow_days["open"][-1] == full_page.open
    assert first == full
