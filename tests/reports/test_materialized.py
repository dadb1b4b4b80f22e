"""Materialised reports: the rows of the view as of the last refresh; objects of users are left alone."""

from collections.abc import Iterator

import pytest

from pyrus_etl.errors import SettingsError
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.reports.materialized import dematerialize, materialize, present
from pyrus_etl.reports.refresh import refresh
from pyrus_etl.reports.upgrade.migrate import downgrade, upgrade
from pyrus_etl.reports.views import views
from pyrus_etl.reports.wide_views import wide
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.runs import sync

OLD_PERSON_NAMES = "CREATE VIEW pyrus_report.person_names AS SELECT 1 AS other"
"""A view of another version that cannot be replaced in place."""


WIDE = "form_purchase_request"
SIDES = (("", ""), ("-", "_materialized"))
MINE = b"SELECT task_id, modified_date FROM public.mine ORDER BY 1"


@pytest.fixture
def organisation() -> Iterator[Sandbox]:
    with Sandbox(World(61, tasks=80)) as sandbox:
        yield sandbox


@pytest.fixture
def synced(organisation: Sandbox, each_database: Secret) -> Iterator[Connection]:
    """A database after a sync, with wide views."""
    sync(organisation, each_database)
    with connect(each_database) as connection:
        connection.execute("SET jit = off")  # it takes longer to compile such queries than to answer them
        refresh(connection)
        yield connection


@pytest.fixture
def empty(database: Secret) -> Iterator[Connection]:
    """A database with the schema and no rows."""
    with connect(database) as connection:
        yield connection


def differing(connection: Connection, view: str) -> int:
    """Counts the rows that are only in the view, or only in its materialized view."""
    rows = (f"SELECT one::text AS line, {sign}1 AS seen FROM pyrus_report.{view}{of} AS one" for sign, of in SIDES)
    both = (
        f"SELECT count(*) FROM (SELECT FROM ({' UNION ALL '.join(rows)}) AS side GROUP BY line HAVING sum(seen) <> 0)"
    )
    ((count,),) = connection.execute(f"{both} AS differing".encode()).fetchall()
    return int(count)


def _forget_a_column(connection: Connection) -> None:
    """Makes the wide view as it was before its last field was found."""
    connection.execute(
        """
        DELETE FROM pyrus.report_columns WHERE (view_name, column_no) = (
            SELECT view_name, max(column_no) FROM pyrus.report_columns WHERE view_name = %s GROUP BY 1
        )
        """,
        [WIDE],
    )
    connection.execute(f"DROP VIEW pyrus_report.{WIDE}")
    wide.create(connection)


def test_a_materialised_report_has_the_rows_of_the_report(synced: Connection) -> None:
    for view in [*views(), wide.view_names(synced)[0]]:
        with synced.transaction():  # now() is the same throughout a transaction
            materialize(synced, view)
            assert differing(synced, view) == 0, view


def test_a_refresh_updates_it(synced: Connection, organisation: Sandbox, each_database: Secret) -> None:
    materialize(synced, "task_timeline")
    organisation.world.live(seconds=1, changes=20)
    sync(organisation, each_database)

    assert differing(synced, "task_timeline") > 0
    assert refresh(synced).materialized == ["task_timeline"]
    assert differing(synced, "task_timeline") == 0


def test_a_new_column_of_the_report_comes_with_the_next_refresh(synced: Connection) -> None:
    _forget_a_column(synced)
    materialize(synced, WIDE)
    refresh(synced)

    assert differing(synced, WIDE) == 0


def test_if_a_users_view_depends_on_it_it_keeps_its_columns_and_is_refreshed(
    synced: Connection, organisation: Sandbox, each_database: Secret
) -> None:
    _forget_a_column(synced)
    materialize(synced, WIDE)
    synced.execute(f"CREATE VIEW public.mine AS TABLE pyrus_report.{WIDE}_materialized")
    columns = synced.execute("TABLE public.mine").description
    before = synced.execute(MINE).fetchall()
    organisation.world.live(seconds=1, changes=40)
    sync(organisation, each_database)
    refresh(synced)

    now = synced.execute(MINE.replace(b"public.mine", f"pyrus_report.{WIDE}".encode())).fetchall()
    assert synced.execute(MINE).fetchall() == now != before
    assert len(synced.execute(f"TABLE pyrus_report.{WIDE}".encode()).description or []) == len(columns or []) + 1
    assert len(synced.execute(f"TABLE pyrus_report.{WIDE}_materialized".encode()).description or []) == len(
        columns or []
    )


def test_it_has_the_comments_of_the_report_and_indexes_on_columns_to_filter_by(empty: Connection) -> None:
    materialize(empty, "task_timeline")
    comments = """
        SELECT col_description(to_regclass('pyrus_report.task_timeline' || %s), attnum) FROM pg_attribute
        WHERE attrelid = 'pyrus_report.task_timeline'::regclass AND attnum > 0 ORDER BY attnum
    """
    indexes = "SELECT indexname::text FROM pg_indexes WHERE tablename = 'task_timeline_materialized' ORDER BY 1"

    assert empty.execute(comments, ["_materialized"]).fetchall() == empty.execute(comments, [""]).fetchall()
    assert [name.removeprefix("task_timeline_materialized_") for (name,) in empty.execute(indexes)] == [
        *("at_idx", "form_id_idx", "person_id_idx", "project_id_idx", "task_id_idx")
    ]


def test_an_upgrade_that_recreates_the_views_recreates_it_too(empty: Connection, database: Secret) -> None:
    empty.execute("DROP VIEW pyrus_report.person_names CASCADE")
    empty.execute(OLD_PERSON_NAMES)
    materialize(empty, "person_names")
    materialize(empty, "project_paths")
    upgrade(database)

    assert present(empty) == ["person_names", "project_paths"]
    assert [differing(empty, view) for view in present(empty)] == [0, 0]


def test_a_downgrade_drops_it(empty: Connection, database: Secret) -> None:
    materialize(empty, "current_tasks")
    downgrade(database, "0001")

    assert empty.execute("SELECT count(*) FROM pg_matviews").fetchall() == [(0,)]


def test_dropping_it_leaves_the_report_alone(empty: Connection) -> None:
    materialize(empty, "clock")
    dematerialize(empty, "clock")

    assert present(empty) == []
    assert empty.execute("SELECT time_zone FROM pyrus_report.clock").fetchall() == [("UTC",)]


@pytest.mark.parametrize("view", ["nothing", "pg_class", "", "x'; DROP", "clock_materialized", "mine"])
def test_only_our_reports_can_be_materialised(empty: Connection, view: str) -> None:
    empty.execute("CREATE VIEW pyrus_report.mine AS SELECT 1 AS one")
    empty.execute("CREATE MATERIALIZED VIEW pyrus_report.mine_materialized AS SELECT 2 AS two")

    with pytest.raises(SettingsError, match="There is no"):
        materialize(empty, view)
    with pytest.raises(SettingsError, match="There is no"):
        dematerialize(empty, view)
    assert empty.execute("TABLE pyrus_report.mine_materialized").fetchall() == [(2,)]


def test_an_object_that_has_the_name_already_is_left_alone(empty: Connection) -> None:
    empty.execute("CREATE VIEW pyrus_report.clock_materialized AS SELECT 1 AS one")

    with pytest.raises(SettingsError, match="clock_materialized already exists and is not a materialized view"):
        materialize(empty, "clock")
    assert empty.execute("TABLE pyrus_report.clock_materialized").fetchall() == [(1,)]


def test_a_name_that_would_be_cut_is_refused(empty: Connection) -> None:
    name = "form_" + "e" * 46
    empty.execute("INSERT INTO pyrus.report_views VALUES (%s, 1)", [name])

    with pytest.raises(SettingsError, match="longer than 50 bytes"):
        materialize(empty, name)
