"""The connector's own state: accounts, runs, alerts, the lock, claims, tasks set aside, and privacy rules."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, Table, Text, Uuid, text

from pyrus_etl.schema.counts import COUNTERS, Counter
from pyrus_etl.schema.metadata import Timestamp, account_key, bigint, key, metadata, stream_key


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

sync_run_totals = Table(
    "sync_run_totals",
    metadata,
    Column("kind", Text, primary_key=True, comment="Kind of the runs, as in sync_runs."),
    Column("status", Text, primary_key=True, comment="How they ended, as in sync_runs."),
    Column("runs", BigInteger, nullable=False, comment="Number of these runs."),
    *(_count(counter) for counter in COUNTERS),
    comment="Sums of the runs whose rows were removed because they are old, so that no counter of /metrics falls.",
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
    account_key(),
    Column("run_id", Uuid, nullable=False, comment="Id of the run that holds the lock; only this run may commit."),
    Column("holder", Text, nullable=False, comment="Host and process of the run."),
    Column("acquired_at", Timestamp, nullable=False, comment="When the run took the lock."),
    Column("expires_at", Timestamp, nullable=False, comment="When the lock expires unless the holder renews it."),
    comment="The lock: at most one run per database and account.",
)

accounts = Table(
    "accounts",
    metadata,
    account_key(),
    Column("name", Text, comment="NAME of its section [accounts.NAME] in the config file; null without one."),
    Column("login", Text, comment="PYRUS_LOGIN of its last run; null with an access token."),
    Column("api", Text, comment="API that its last run asked: v3 or v4."),
    Column("last_exit", Integer, comment="Exit code of its last run that ended; null if none has."),
    Column("next_at", Timestamp, comment="When a process that stays runs it next; null if none does."),
    Column(
        "organization_id",
        BigInteger,
        comment="Id of its organization, as its profile names it; null if it does not. Another one is refused.",
    ),
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

sync_arrivals = Table(
    "sync_arrivals",
    metadata,
    Column("run_id", Uuid, primary_key=True, comment="Id of the run that stores the contents."),
    Column("path", Text, primary_key=True, comment="Where below the target: the id of the file, and its name."),
    Column("target", Text, nullable=False, comment="URL of the target."),
    comment="Contents of files that a run may have stored and has not recorded yet; the row goes when they are. The "
    "next download removes what a killed one left here.",
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
    stream_key(),
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
