"""The connector's own state: runs, cursors, windows, the lease, and tasks set aside."""

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Double, Index, Integer, Table, Text, Uuid, text

from pyrus_etl.schema.counts import COUNTERS, Counter
from pyrus_etl.schema.metadata import Timestamp, bigint, key, metadata, ordinal


def _account() -> Column[int]:
    return key("account_id", "Id of the person that the connector logs in as.")


def _stream() -> Column[str]:
    return Column("stream", Text, primary_key=True, server_default=text("'tasks'"), comment="The stream: tasks.")


def _count(counter: Counter) -> Column[int]:
    return Column(counter.name, BigInteger, nullable=False, server_default=text("0"), comment=counter.comment)


sync_runs = Table(
    "sync_runs",
    metadata,
    Column("run_id", Uuid, primary_key=True, comment="Id of the run; later runs have greater ids (UUID version 7)."),
    bigint(
        "account_id",
        "Id of the person that the connector logs in as, negative for a file service; null without a login.",
    ),
    Column(
        "login",
        Text,
        comment="PYRUS_LOGIN of the run, or the file service; null with an access token and without a login.",
    ),
    Column(
        "kind",
        Text,
        nullable=False,
        comment="backfill, sync, reconcile, retry, download, files, hints, mirror or push.",
    ),
    Column(
        "status", Text, nullable=False, comment="running, ok, partial (stopped early, continues next time) or failed."
    ),
    Column("started_at", Timestamp, nullable=False, comment="When the run started."),
    Column("finished_at", Timestamp, comment="When the run ended; null while it is running."),
    Column(
        "server_started_at",
        Timestamp,
        comment="When the run started by the server's clock; this becomes the cursor if the run completes.",
    ),
    Column(
        "server_ahead_seconds",
        Double,
        comment="Seconds by which the server's clock was ahead of ours at that time; negative if it was behind.",
    ),
    Column(
        "alive_at",
        Timestamp,
        comment="Heartbeat of the run while it logs in; after that, see sync_leases.",
    ),
    Column(
        "register_lag_seconds",
        Double,
        comment="The most seconds by which the register of a form lagged behind the tasks; null if none was compared.",
    ),
    Column(
        "search_works",
        Boolean,
        comment="Whether the search of API v3 took the token of API v4; null if the run did not try.",
    ),
    *(_count(counter) for counter in COUNTERS),
    Column("error", Text, comment="Why the run failed or stopped."),
    Column("error_type", Text, comment="Kind of that error, as in pyrus_etl.errors: LoginRefused, CensusDoubted, …"),
    Index(None, "account_id", "started_at"),
    comment="One row per run, with the counts that --json reports.",
)

sync_alerts = Table(
    "sync_alerts",
    metadata,
    Column("alert_id", Uuid, primary_key=True, comment="Id of the alert, sent with it; later ones are greater."),
    Column("event", Text, nullable=False, comment="failing, recovered, stale or census_doubted."),
    Column("at", Timestamp, nullable=False, comment="When the event was noticed."),
    bigint("account_id", "Id of the account whose runs it is about; null if no run of it has ever logged in."),
    Column("login", Text, comment="PYRUS_LOGIN of those runs, if account_id is null."),
    Column("run_id", Uuid, nullable=False, comment="Id of the run that shows it; for stale, the last good one."),
    Column("kind", Text, nullable=False, comment="Kind of that run, as in sync_runs."),
    Column("error", Text, comment="What is wrong; null for recovered."),
    Column("attempts", Integer, nullable=False, server_default=text("0"), comment="How often it was sent."),
    Column("claimed_at", Timestamp, comment="When a process began to send it; null if none is sending it."),
    Column("sent_at", Timestamp, comment="When PYRUS_ETL_ALERT_URL took it; null until then."),
    comment="Events for PYRUS_ETL_ALERT_URL, each written before it is sent; without that setting, none.",
)

sync_quotas = Table(
    "sync_quotas",
    metadata,
    key("account_id", "Id of the person that the connector logs in as; 0 for runs that have yet to log in."),
    bigint("requests", "Most requests in any period, as PYRUS_ETL_QUOTA was last set.", nullable=False),
    Column("period", Double, nullable=False, comment="Length of the period in seconds."),
    Column("held_until", Timestamp, comment="Until when the server makes all processes wait; null if it never did."),
    comment="The quota of each account. A process locks its row while it leases a slice.",
)

sync_quota_slices = Table(
    "sync_quota_slices",
    metadata,
    key("slice_id", "Id of the slice, a random number."),
    bigint("account_id", "Id of the account, as in sync_quotas; 0 counts for all accounts.", nullable=False),
    bigint("permits", "Requests that may be sent; once the slice is closed, those that were sent.", nullable=False),
    Column("expires_at", Timestamp, nullable=False, comment="When its lease ends, or when it was closed."),
    Column("closed_at", Timestamp, comment="When its last answer came; null while a process may use it."),
    Index(None, "expires_at"),
    comment="Requests that processes may send. A slice counts until one period after expires_at, and is deleted later.",
)

sync_cursors = Table(
    "sync_cursors",
    metadata,
    _account(),
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
    _account(),
    _stream(),
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
    _account(),
    _stream(),
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
    _account(),
    Column("kind", Text, primary_key=True, comment="form for the register of a form, or list."),
    key("feed_id", "Id of the form or of the list."),
    bigint("reached_id", "Greatest id of a task up to which the register is stored."),
    Column("done_at", Timestamp, comment="When all of it was stored; null until then."),
    comment="Registers and lists that the last backfill of an account has begun to read: first rows of tasks.",
)

privacy_rules = Table(
    "privacy_rules",
    metadata,
    Column("digest", Text, primary_key=True, comment="Digest of the privacy rules, without the key; none: no rules."),
    Column(
        "applied_at", Timestamp, comment="When everything stored followed them; null while db rebuild applies them."
    ),
    Column(
        "key_check",
        Text,
        comment="Sixteen bits of an HMAC with the key of the stored hashes; null if nothing was hashed yet.",
    ),
    comment="The privacy rules that stored rows follow: one row, or none if an earlier version wrote the first rows.",
)

sync_leases = Table(
    "sync_leases",
    metadata,
    _account(),
    Column("run_id", Uuid, nullable=False, comment="Id of the run that holds the lock; only this run may commit."),
    Column("holder", Text, nullable=False, comment="Host and process of the run."),
    Column("acquired_at", Timestamp, nullable=False, comment="When the run took the lock."),
    Column("expires_at", Timestamp, nullable=False, comment="When the lock expires unless the holder renews it."),
    comment="The lock: at most one run per database and account.",
)

accounts = Table(
    "accounts",
    metadata,
    _account(),
    Column("name", Text, comment="NAME of its section [accounts.NAME] in the config file; null without one."),
    Column("login", Text, comment="PYRUS_LOGIN of its last run; null with an access token."),
    Column("api", Text, comment="API that its last run asked: v3 or v4."),
    Column("last_exit", Integer, comment="Exit code of its last run that ended; null if none has."),
    Column("next_at", Timestamp, comment="When a process that stays runs it next; null if none does."),
    comment="The accounts of Pyrus that have used this database. All are of one organisation.",
)

task_claims = Table(
    "task_claims",
    metadata,
    key("task_id", "Id of the task; it may not be in tasks yet."),
    bigint("account_id", "Id of the account that fetches the task.", nullable=False),
    Column("run_id", Uuid, nullable=False, comment="Id of the run that fetches it; the claim ends with its lock."),
    Column("expires_at", Timestamp, nullable=False, comment="When others may fetch it, if the run has not ended."),
    comment="Which task is being fetched by which of several accounts; the row goes when the task is committed.",
)

sync_errors = Table(
    "sync_errors",
    metadata,
    key("task_id", "Id of the task."),
    Column(
        "account_id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        server_default=text("0"),
        comment="Id of the person that the connector logs in as, who was refused; 0 if no account is known.",
    ),
    _stream(),
    Column("first_seen_at", Timestamp, primary_key=True, comment="When the task was first set aside."),
    Column("stage", Text, nullable=False, comment="Stage that failed: fetch, decode or load."),
    Column("error", Text, nullable=False, comment="Why it failed."),
    Column("payload", Text, comment="The body, if one was received."),
    Column("last_seen_at", Timestamp, nullable=False, comment="When it last failed."),
    Column("attempts", Integer, nullable=False, comment="Number of runs in which it failed."),
    Column("resolved_at", Timestamp, comment="When the task was finally loaded; null while the error is open."),
    Column("listed_date", Timestamp, comment="ModifiedDate of the task in the list: an older body is fetched again."),
    Index(
        "uq_sync_errors_open",
        "task_id",
        "account_id",
        "stream",
        unique=True,
        postgresql_where=text("resolved_at IS NULL"),
    ),
    comment="Tasks that could not be fetched, decoded or loaded. Every run of the account tries each of them again.",
)


directory_sightings = Table(
    "directory_sightings",
    metadata,
    _account(),
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
