"""The tables of the cluster's database, by versions. The queue's tables beside them are the engine's."""

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Connection

SCHEMA = "pyrus_cluster"
_LOCK = 5_791_204_713
"""One `cluster init` at a time: the key of an advisory lock that ends with its transaction."""

VERSIONS = (
    """
    CREATE SCHEMA pyrus_cluster;
    COMMENT ON SCHEMA pyrus_cluster IS 'Organisations and accounts that the workers of pyrus-etl keep up to date.';

    CREATE TABLE pyrus_cluster.version (revision int NOT NULL);
    COMMENT ON TABLE pyrus_cluster.version IS 'The version of these tables: one row.';
    COMMENT ON COLUMN pyrus_cluster.version.revision IS 'cluster init raises it.';
    INSERT INTO pyrus_cluster.version VALUES (0);

    CREATE TABLE pyrus_cluster.organisations (
        org text PRIMARY KEY,
        database_url_ref text NOT NULL,
        paused_at timestamptz,
        schema_revision text,
        revision_seen_at timestamptz,
        added_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE pyrus_cluster.organisations IS 'Organisations. Each has a database of its own.';
    COMMENT ON COLUMN pyrus_cluster.organisations.org IS 'Name given by cluster add.';
    COMMENT ON COLUMN pyrus_cluster.organisations.database_url_ref IS
        'File, on the machines of the workers, with the URL of its database; never the URL itself.';
    COMMENT ON COLUMN pyrus_cluster.organisations.paused_at IS 'Since when cluster pause holds it; null: it goes on.';
    COMMENT ON COLUMN pyrus_cluster.organisations.schema_revision IS
        'Revision of its database when a worker last looked; only workers of this revision take its accounts.';
    COMMENT ON COLUMN pyrus_cluster.organisations.revision_seen_at IS 'When a worker last looked.';
    COMMENT ON COLUMN pyrus_cluster.organisations.added_at IS 'When it was added.';

    CREATE TABLE pyrus_cluster.accounts (
        org text NOT NULL REFERENCES pyrus_cluster.organisations ON DELETE CASCADE,
        login text NOT NULL,
        account_id bigint,
        api text,
        url text NOT NULL,
        client_id text,
        person_id bigint,
        secret_ref text NOT NULL,
        quota text NOT NULL,
        every interval NOT NULL,
        reconcile_every interval NOT NULL,
        attachments_to text,
        next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        files_at timestamptz,
        hinted_at timestamptz,
        backfilled_at timestamptz,
        claim uuid,
        claimed_by text,
        claimed_at timestamptz,
        last_kind text,
        last_exit int,
        last_error text,
        last_ended_at timestamptz,
        failures int NOT NULL DEFAULT 0,
        deaths int NOT NULL DEFAULT 0,
        paused_at timestamptz,
        paused_because text,
        PRIMARY KEY (org, login)
    );
    COMMENT ON TABLE pyrus_cluster.accounts IS 'Accounts of Pyrus, and when each is due.';
    COMMENT ON COLUMN pyrus_cluster.accounts.org IS 'Its organisation.';
    COMMENT ON COLUMN pyrus_cluster.accounts.login IS 'E-mail of the person or bot.';
    COMMENT ON COLUMN pyrus_cluster.accounts.account_id IS 'Its id at Pyrus; null until it has logged in.';
    COMMENT ON COLUMN pyrus_cluster.accounts.api IS 'v3 or v4; null: v3 with a client id, else v4.';
    COMMENT ON COLUMN pyrus_cluster.accounts.url IS 'Origin of Pyrus.';
    COMMENT ON COLUMN pyrus_cluster.accounts.client_id IS 'Client id, for API v3 only.';
    COMMENT ON COLUMN pyrus_cluster.accounts.person_id IS 'Id of the person, if several share the login.';
    COMMENT ON COLUMN pyrus_cluster.accounts.secret_ref IS
        'File, on the machines of the workers, with the security key; never the key itself.';
    COMMENT ON COLUMN pyrus_cluster.accounts.quota IS 'Requests per period, such as 5000/600s.';
    COMMENT ON COLUMN pyrus_cluster.accounts.every IS 'From the start of a sync to the next one.';
    COMMENT ON COLUMN pyrus_cluster.accounts.reconcile_every IS 'From the start of a good census to the next one.';
    COMMENT ON COLUMN pyrus_cluster.accounts.attachments_to IS 'Where contents of attachments go; null: they stay.';
    COMMENT ON COLUMN pyrus_cluster.accounts.next_at IS 'When the next slice of work is due. The queue only follows.';
    COMMENT ON COLUMN pyrus_cluster.accounts.files_at IS 'When contents of attachments are due; null: none wait.';
    COMMENT ON COLUMN pyrus_cluster.accounts.hinted_at IS 'When a webhook named a task that waits; null: none does.';
    COMMENT ON COLUMN pyrus_cluster.accounts.backfilled_at IS 'When the first backfill was done; null: it goes on.';
    COMMENT ON COLUMN pyrus_cluster.accounts.claim IS 'The slice at work; a late one of another claim is ignored.';
    COMMENT ON COLUMN pyrus_cluster.accounts.claimed_by IS 'The worker that has, or last had, the slice.';
    COMMENT ON COLUMN pyrus_cluster.accounts.claimed_at IS 'When it took the slice.';
    COMMENT ON COLUMN pyrus_cluster.accounts.last_kind IS 'Kind of the last slice.';
    COMMENT ON COLUMN pyrus_cluster.accounts.last_exit IS 'Exit code of the last slice; null if its worker died.';
    COMMENT ON COLUMN pyrus_cluster.accounts.last_error IS 'Why it did not end well; null: it did.';
    COMMENT ON COLUMN pyrus_cluster.accounts.last_ended_at IS 'When it ended.';
    COMMENT ON COLUMN pyrus_cluster.accounts.failures IS 'Slices in a row that failed; each makes the pause longer.';
    COMMENT ON COLUMN pyrus_cluster.accounts.deaths IS 'Slices in a row whose worker died, or that met a bug of ours.';
    COMMENT ON COLUMN pyrus_cluster.accounts.paused_at IS 'Since when it is paused by itself; null: it is at work.';
    COMMENT ON COLUMN pyrus_cluster.accounts.paused_because IS 'Why, and what to do.';

    CREATE TABLE pyrus_cluster.workers (
        name text PRIMARY KEY,
        token uuid NOT NULL,
        version text NOT NULL,
        schema_revision text NOT NULL,
        accounts int NOT NULL,
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE pyrus_cluster.workers IS 'Workers that are alive, and those that died without leaving.';
    COMMENT ON COLUMN pyrus_cluster.workers.name IS 'Its name; only one living worker has it.';
    COMMENT ON COLUMN pyrus_cluster.workers.token IS 'The process that has the name.';
    COMMENT ON COLUMN pyrus_cluster.workers.version IS 'Its version of pyrus-etl.';
    COMMENT ON COLUMN pyrus_cluster.workers.schema_revision IS 'Revision of the databases that it works on.';
    COMMENT ON COLUMN pyrus_cluster.workers.accounts IS 'Accounts that it works on at once, at most.';
    COMMENT ON COLUMN pyrus_cluster.workers.started_at IS 'When it began.';
    COMMENT ON COLUMN pyrus_cluster.workers.seen_at IS 'When it last said that it is alive; it does every two seconds.';

    CREATE TABLE pyrus_cluster.planners (schema_revision text PRIMARY KEY, planned_at timestamptz NOT NULL);
    COMMENT ON TABLE pyrus_cluster.planners IS 'When a worker last put what is due into the queue.';
    COMMENT ON COLUMN pyrus_cluster.planners.schema_revision IS 'Workers plan for databases of their own revision.';
    COMMENT ON COLUMN pyrus_cluster.planners.planned_at IS 'When one of them last did.';
    """,
)
"""What makes each version from the one before."""
REVISION = len(VERSIONS)


def create(connection: Connection) -> int:
    """Makes or upgrades the tables, inside the caller's transaction; safe to repeat. Returns the version before."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    before = version(connection)
    _refuse_newer(before)
    for statements in VERSIONS[before:]:
        connection.execute(statements.encode())
    if before != REVISION:
        connection.execute("UPDATE pyrus_cluster.version SET revision = %s", [REVISION])
    return before


def version(connection: Connection) -> int:
    """The version of the tables; 0 if there are none."""
    ((table,),) = connection.execute("SELECT to_regclass('pyrus_cluster.version')").fetchall()
    if table is None:
        return 0
    found = connection.execute("SELECT revision FROM pyrus_cluster.version").fetchone()
    return int(found[0]) if found else 0


def require(connection: Connection) -> None:
    """Raises DatabaseUnavailable if the tables are not of this version."""
    found = version(connection)
    _refuse_newer(found)
    if found != REVISION:
        state = f"is of version {found}, this program expects {REVISION}" if found else "has no tables yet"
        raise DatabaseUnavailable(f"The database {state}; run pyrus-etl cluster init.")


def _refuse_newer(found: int) -> None:
    if found > REVISION:
        raise DatabaseUnavailable(
            f"The database is of version {found}, which this program ({REVISION}) does not know; install the newer "
            "pyrus-etl that made it (pip install --upgrade pyrus-etl)."
        )
