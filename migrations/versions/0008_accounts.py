"""Who sees a task, when a body was served, and errors, backfills and windows by account and stream.

Revision 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime(timezone=True)
KNOWN_ACCOUNTS = """
    SELECT account_id, max(synced_at) AS synced_at FROM (
        SELECT account_id, cursor AS synced_at FROM pyrus.sync_cursors
        UNION ALL SELECT account_id, '-infinity' FROM pyrus.sync_runs WHERE account_id IS NOT NULL
    ) AS known GROUP BY account_id
"""
"""The accounts that have used the database, with their cursors."""
LAST_ACCOUNT = f"SELECT account_id FROM ({KNOWN_ACCOUNTS}) AS known ORDER BY synced_at DESC, account_id LIMIT 1"  # noqa: S608
KEYS = {
    "sync_errors": (["task_id", "first_seen_at"], ["task_id", "account_id", "stream", "first_seen_at"]),
    "sync_backfills": (["account_id"], ["account_id", "stream"]),
    "sync_windows": (["account_id", "window_no"], ["account_id", "stream", "window_no"]),
}
"""Table → its primary key before and after."""
COMMENTS = {
    "sync_errors": (
        "Tasks that could not be fetched, decoded or loaded. Every run tries each of them again.",
        "Tasks that could not be fetched, decoded or loaded. Every run of the account tries each of them again.",
    ),
    "sync_backfills": ("The last backfill of each account.", "The last backfill of each account and stream."),
}
DELETED_AT = (
    "When a reconcile found the task gone or no longer visible; null otherwise.",
    "When a reconcile found that no account sees the task any more; null otherwise.",
)
SYNC_LAG = """
    CREATE OR REPLACE VIEW pyrus_report.sync_lag AS
    SELECT NULL::text AS scope, NULL::date AS day, NULL::uuid AS run_id, NULL::bigint AS account_id, NULL::text AS kind,
           NULL::timestamptz AS started_at, NULL::bigint AS tasks, NULL::numeric AS lag_p50_seconds,
           NULL::numeric AS lag_p85_seconds, NULL::numeric AS lag_p95_seconds, NULL::numeric AS lag_max_seconds
    WHERE false
"""
"""The report without rows, until `db upgrade` replaces it: so users' views that depend on it can stay."""


def upgrade() -> None:
    """Moves the listed dates to the accounts that have used the database; rewrites no body."""
    _create_sightings()
    if op.get_bind().scalar(sa.text("SELECT to_regclass('pyrus_report.sync_lag') IS NOT NULL")):
        op.execute(SYNC_LAG)
    op.drop_column("raw_tasks", "listed_date", schema="pyrus")
    op.add_column("raw_tasks", _served_at(), schema="pyrus")
    op.add_column("raw_tasks", _is_overtaken(), schema="pyrus")
    op.drop_index("uq_sync_errors_open", table_name="sync_errors", schema="pyrus")
    op.add_column("sync_errors", _account_of_error(), schema="pyrus")
    for table in KEYS:
        op.add_column(table, _stream(), schema="pyrus")
    op.execute(f"UPDATE pyrus.sync_errors SET account_id = coalesce(({LAST_ACCOUNT}), 0)")  # noqa: S608
    _change_keys(new=True)
    _create_open_index(["task_id", "account_id", "stream"])


def downgrade() -> None:
    """Keeps of several accounts the reader's dates, and of several open errors of a task the last one."""
    op.add_column("raw_tasks", _listed_date(), schema="pyrus")
    op.execute(
        """
        UPDATE pyrus.raw_tasks AS raw SET listed_date = sighting.listed_date FROM pyrus.task_sightings AS sighting
        WHERE sighting.task_id = raw.task_id AND is_reader
        """
    )
    op.drop_table("task_sightings", schema="pyrus")
    op.drop_column("raw_tasks", "is_overtaken", schema="pyrus")
    op.drop_column("raw_tasks", "served_at", schema="pyrus")
    _keep_one_error_of_each_task()
    for table in ("sync_backfills", "sync_windows"):
        op.execute(f"DELETE FROM pyrus.{table} WHERE stream <> 'tasks'")  # noqa: S608
    op.drop_index("uq_sync_errors_open", table_name="sync_errors", schema="pyrus")
    _change_keys(new=False)
    for table in KEYS:
        op.drop_column(table, "stream", schema="pyrus")
    op.drop_column("sync_errors", "account_id", schema="pyrus")
    _create_open_index(["task_id"])


def _create_sightings() -> None:
    op.create_table(
        "task_sightings",
        sa.Column("task_id", sa.BigInteger(), autoincrement=False, nullable=False, comment="Id of the task."),
        sa.Column(
            "account_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Id of the person that the connector logs in as, and who sees the task.",
        ),
        sa.Column(
            "listed_date",
            TIMESTAMP,
            nullable=True,
            comment="ModifiedDate in this account's lists when the task was last fetched, or left to its reader.",
        ),
        sa.Column("seen_at", TIMESTAMP, nullable=False, comment="When a run last wrote this row."),
        sa.Column(
            "is_reader",
            sa.Boolean(),
            nullable=False,
            comment="Whether the stored body is the one served to this account; it fetches the task when it changes.",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["pyrus.tasks.task_id"], name=op.f("fk_task_sightings_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_id", "account_id", name=op.f("pk_task_sightings")),
        schema="pyrus",
        comment="Which accounts see a task; one of them reads it. A task that none sees any more is deleted.",
    )
    op.execute(
        f"""
        INSERT INTO pyrus.task_sightings (task_id, account_id, listed_date, seen_at, is_reader)
        SELECT task_id, account_id, listed_date, coalesce(fetched_at, now()), account_id = ({LAST_ACCOUNT})
        FROM pyrus.tasks LEFT JOIN pyrus.raw_tasks USING (task_id) CROSS JOIN ({KNOWN_ACCOUNTS}) AS account
        WHERE deleted_at IS NULL ORDER BY task_id, account_id
        """  # noqa: S608
    )


def _listed_date() -> sa.Column[object]:
    return sa.Column(
        "listed_date",
        TIMESTAMP,
        nullable=True,
        comment="ModifiedDate in the list when the task was last fetched; listed again, it means an unchanged task.",
    )


def _served_at() -> sa.Column[object]:
    return sa.Column(
        "served_at",
        TIMESTAMP,
        nullable=True,
        comment="When it was served, by the server's clock: an older body of another account does not replace it.",
    )


def _is_overtaken() -> sa.Column[bool]:
    """A constant default: PostgreSQL rewrites no row for it."""
    return sa.Column(
        "is_overtaken",
        sa.Boolean(),
        server_default=sa.text("false"),
        nullable=False,
        comment="Whether a part of the task that was served later is in its rows; then db rebuild leaves them alone.",
    )


def _account_of_error() -> sa.Column[int]:
    return sa.Column(
        "account_id",
        sa.BigInteger(),
        server_default=sa.text("0"),
        nullable=False,
        comment="Id of the person that the connector logs in as, who was refused; 0 if no account is known.",
    )


def _stream() -> sa.Column[str]:
    return sa.Column(
        "stream", sa.Text(), server_default=sa.text("'tasks'"), nullable=False, comment="The stream: tasks."
    )


def _change_keys(*, new: bool) -> None:
    """Changes primary keys and comments to those after this migration, or to those before it."""
    for table, keys in KEYS.items():
        op.drop_constraint(op.f(f"pk_{table}"), table, schema="pyrus", type_="primary")
        op.create_primary_key(op.f(f"pk_{table}"), table, keys[new], schema="pyrus")
    for table, comments in COMMENTS.items():
        op.create_table_comment(table, comments[new], schema="pyrus")
    op.alter_column("tasks", "deleted_at", existing_type=TIMESTAMP, comment=DELETED_AT[new], schema="pyrus")


def _create_open_index(columns: list[str]) -> None:
    op.create_index(
        "uq_sync_errors_open",
        "sync_errors",
        columns,
        unique=True,
        schema="pyrus",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )


def _keep_one_error_of_each_task() -> None:
    op.execute(
        """
        DELETE FROM pyrus.sync_errors AS older USING pyrus.sync_errors AS newer
        WHERE older.stream <> 'tasks' OR (
            newer.task_id = older.task_id AND newer.stream = 'tasks'
            AND (older.resolved_at IS NULL AND newer.resolved_at IS NULL OR older.first_seen_at = newer.first_seen_at)
            AND (newer.first_seen_at, newer.account_id) > (older.first_seen_at, older.account_id)
        )
        """
    )
