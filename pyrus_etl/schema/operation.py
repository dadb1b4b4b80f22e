"""What the connector keeps for itself: runs, cursors, windows, the lease, and tasks set aside."""

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, Table, Text, Uuid, text

from pyrus_etl.schema.metadata import SCHEMA, Timestamp, bigint, key, metadata, ordinal


def _account() -> Column[int]:
    return key("account_id", "The person that the connector logs in as.")


def _count(name: str, comment: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"), comment=comment)


sync_runs = Table(
    "sync_runs",
    metadata,
    Column("run_id", Uuid, primary_key=True, comment="Id of the run; later runs have greater ids (UUID version 7)."),
    bigint("account_id", "The person that the run logged in as; null: it could not log in."),
    Column("login", Text, comment="PYRUS_LOGIN of the run; null: it had an access token, or no login was set."),
    Column("kind", Text, nullable=False, comment="backfill, sync, reconcile or retry."),
    Column(
        "status", Text, nullable=False, comment="running, ok, partial (stopped early, goes on next time) or failed."
    ),
    Column("started_at", Timestamp, nullable=False, comment="When it started."),
    Column("finished_at", Timestamp, comment="When it ended."),
    Column(
        "server_started_at",
        Timestamp,
        comment="When it started by the server's clock: the cursor that it sets if it ends well.",
    ),
    Column(
        "server_ahead_seconds",
        Double,
        comment="By how many seconds the server's clock was ahead of ours at that instant; negative: behind.",
    ),
    Column(
        "alive_at",
        Timestamp,
        comment="When the run last showed that it lives while it logs in; afterwards its lease does.",
    ),
    _count("tasks_listed", "Entries read in lists of tasks; a task in two lists counts twice."),
    _count("tasks_fetched", "Bodies fetched."),
    _count("tasks_changed", "Tasks written: new ones, and those whose body was another than before."),
    _count("tasks_unchanged", "Listed tasks found unchanged, by their date or by the hash of their body."),
    _count("tasks_deleted", "Tasks marked as deleted."),
    _count("tasks_failed", "Tasks set aside in sync_errors."),
    _count("values_unreadable", "Values stored as null because they could not be read; raw_tasks keeps them."),
    _count("requests", "Requests sent to Pyrus."),
    _count("retries", "Requests that had to be sent again."),
    Column("error", Text, comment="Why it failed."),
    Index(None, "account_id", "started_at"),
    comment="Every run, with what --json reports of it.",
)

sync_requests = Table(
    "sync_requests",
    metadata,
    Column(
        "run_id",
        Uuid,
        ForeignKey(f"{SCHEMA}.sync_runs.run_id", ondelete="CASCADE"),
        primary_key=True,
        comment="The run that sent the requests.",
    ),
    Column("second", Timestamp, primary_key=True, comment="The second in which they were sent."),
    Column("requests", Integer, nullable=False, comment="How many were sent in that second."),
    comment="Requests of recent runs by second, kept for one period of the quota: the next run counts them too.",
)

sync_cursors = Table(
    "sync_cursors",
    metadata,
    _account(),
    Column("stream", Text, primary_key=True, comment="What is followed: tasks."),
    Column(
        "cursor",
        Timestamp,
        nullable=False,
        comment="Start, by the server's clock, of the last complete run: all that changed before it is stored.",
    ),
    Column("updated_at", Timestamp, nullable=False, comment="When it last moved."),
    comment="How far the sync has come.",
)

sync_backfills = Table(
    "sync_backfills",
    metadata,
    _account(),
    bigint("from_second", "Start of the period in seconds since 1970; null: no start."),
    bigint("to_second", "End of the period in seconds since 1970, inclusive; null: no end."),
    Column("cursor", Timestamp, nullable=False, comment="Where the sync goes on when the backfill is done."),
    Column("started_at", Timestamp, nullable=False, comment="When it began; a resumed backfill keeps this."),
    Column("finished_at", Timestamp, comment="When its last window was done."),
    comment="The last backfill of each account.",
)

sync_windows = Table(
    "sync_windows",
    metadata,
    _account(),
    ordinal("window_no", "Number of the window within the backfill."),
    bigint("from_second", "Start of the window in seconds since 1970; null: no start."),
    bigint("to_second", "End of the window in seconds since 1970, inclusive; null: no end."),
    Column("done_at", Timestamp, comment="When all its tasks were committed; null while it is to be done."),
    comment="Windows of time that the last backfill works through; a full one is replaced by its two halves.",
)

sync_leases = Table(
    "sync_leases",
    metadata,
    _account(),
    Column("run_id", Uuid, nullable=False, comment="The run that holds the lock; only it may commit."),
    Column("holder", Text, nullable=False, comment="Host and process of that run."),
    Column("acquired_at", Timestamp, nullable=False, comment="Since when it holds the lock."),
    Column("expires_at", Timestamp, nullable=False, comment="When the lock falls free if its holder says no more."),
    comment="The lock: one run a database and account.",
)

sync_errors = Table(
    "sync_errors",
    metadata,
    key("task_id", "The task that was set aside."),
    Column("first_seen_at", Timestamp, primary_key=True, comment="When it was first set aside."),
    Column("stage", Text, nullable=False, comment="Where it failed: fetch, decode or load."),
    Column("error", Text, nullable=False, comment="Why."),
    Column("payload", Text, comment="The body, where one came."),
    Column("last_seen_at", Timestamp, nullable=False, comment="When it last failed."),
    Column("attempts", Integer, nullable=False, comment="How many runs it failed in."),
    Column("resolved_at", Timestamp, comment="When the task loaded after all; null while the error is open."),
    Column("listed_date", Timestamp, comment="ModifiedDate that it was listed under: an older body is doubted."),
    Index("uq_sync_errors_open", "task_id", unique=True, postgresql_where=text("resolved_at IS NULL")),
    comment="Tasks that could not be fetched, read or stored. Each is tried again in every run.",
)
