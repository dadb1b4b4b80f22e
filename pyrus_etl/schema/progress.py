"""How far each account has come: cursors, backfills, windows, feeds, hints, and what it sees of the directory."""

from sqlalchemy import ARRAY, BigInteger, Column, Integer, Table, Text

from pyrus_etl.schema.metadata import Timestamp, account_key, bigint, key, metadata, ordinal, stream_key

sync_cursors = Table(
    "sync_cursors",
    metadata,
    account_key(),
    Column("stream", Text, primary_key=True, comment="The stream that is synced: tasks."),
    Column(
        "cursor",
        Timestamp,
        nullable=False,
        comment="Start of the last complete run, by the server's clock: all changes before this time are stored.",
    ),
    Column("updated_at", Timestamp, nullable=False, comment="When the cursor last moved."),
    comment="How far each account has been synced.",
)
sync_backfills = Table(
    "sync_backfills",
    metadata,
    account_key(),
    stream_key(),
    bigint("from_second", "Start of the period in seconds since 1970; null if unbounded."),
    bigint("to_second", "End of the period in seconds since 1970, inclusive; null if unbounded."),
    Column(
        "cursor", Timestamp, nullable=False, comment="Cursor from which the sync continues when the backfill is done."
    ),
    Column(
        "started_at",
        Timestamp,
        nullable=False,
        comment="When the backfill started; a resumed backfill keeps this time.",
    ),
    Column("finished_at", Timestamp, comment="When the last window was done; null until then."),
    comment="The last backfill of each account and stream.",
)
sync_windows = Table(
    "sync_windows",
    metadata,
    account_key(),
    stream_key(),
    ordinal("window_no", "Number of the window within the backfill."),
    bigint("from_second", "Start of the window in seconds since 1970; null if unbounded."),
    bigint("to_second", "End of the window in seconds since 1970, inclusive; null if unbounded."),
    Column("done_at", Timestamp, comment="When all tasks of the window were committed; null until then."),
    comment="Time windows of the last backfill; one with too many tasks for one list is replaced by its two halves.",
)
sync_hints = Table(
    "sync_hints",
    metadata,
    key("task_id", "Id of the task."),
    Column(
        "login", Text, primary_key=True, comment="PYRUS_LOGIN of the bot that got the webhook; empty if it has none."
    ),
    Column("first_at", Timestamp, nullable=False, comment="When the first webhook came."),
    Column("last_at", Timestamp, nullable=False, comment="When the last webhook came."),
    Column("times", Integer, nullable=False, comment="How many webhooks named the task."),
    comment="Tasks that webhooks named and that are to be fetched at once; the row goes when that is done.",
)
sync_feeds = Table(
    "sync_feeds",
    metadata,
    account_key(),
    Column("kind", Text, primary_key=True, comment="form for the register of a form, or list."),
    key("feed_id", "Id of the form or of the list."),
    bigint("reached_id", "Greatest id of a task up to which the register is stored."),
    Column("done_at", Timestamp, comment="When all of it was stored; null until then."),
    comment="Registers and lists that the last backfill of an account has begun to read: first rows of tasks.",
)
directory_sightings = Table(
    "directory_sightings",
    metadata,
    account_key(),
    Column("stream", Text, primary_key=True, comment="forms, lists, catalogs or roles."),
    key("thing_id", "Id of the form, list, catalog or role."),
    Column("gone_at", Timestamp, comment="When the account no longer saw it; null while it does."),
    Column(
        "refused_at",
        Timestamp,
        comment="When Pyrus refused the register of the form, or the items of the catalog; null if it did not.",
    ),
    bigint("refused_version", "Version of the catalog whose items were refused."),
    Column("field_ids", ARRAY(BigInteger), comment="Ids of the fields that the account sees in the form, in order."),
    comment="What each account sees of the directory. What none sees any more is marked in its own table.",
)
