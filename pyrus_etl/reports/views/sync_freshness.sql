CREATE OR REPLACE VIEW pyrus_report.sync_freshness AS
WITH runs AS (
    SELECT run_account.account_id, kind, status, started_at, finished_at, error
    FROM pyrus.sync_runs JOIN pyrus_report.run_accounts AS run_account USING (run_id)
), complete AS (
    SELECT account_id, kind, max(started_at) AS started_at, max(finished_at) AS finished_at,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) FILTER (WHERE nth <= 20) AS usual_gap
    FROM (
        SELECT account_id, kind, started_at, finished_at,
               extract(epoch FROM started_at - lag(started_at) OVER (PARTITION BY account_id, kind ORDER BY started_at))
                   AS gap,
               row_number() OVER (PARTITION BY account_id, kind ORDER BY started_at DESC) AS nth
        FROM runs WHERE status = 'ok'
    ) AS run
    GROUP BY account_id, kind
), latest AS (
    SELECT DISTINCT ON (account_id, kind) account_id, kind, started_at, status, error,
           min(started_at) OVER (PARTITION BY account_id, kind) AS first_started_at
    FROM runs ORDER BY account_id, kind, started_at DESC
)
SELECT latest.account_id, person.name AS account, kind,
       complete.started_at AS complete_started_at, complete.finished_at AS complete_finished_at,
       round(since_complete, 1) AS since_complete_seconds,
       round(usual_gap::numeric, 1) AS usual_gap_seconds,
       latest.started_at AS latest_started_at, latest.status AS latest_status, latest.error AS latest_error,
       cursor.cursor, round(extract(epoch FROM now - cursor.cursor), 1) AS behind_seconds,
       kind IN ('sync', 'reconcile') AND now - coalesce(complete.started_at, first_started_at) > interval '1 hour'
           AND coalesce(since_complete > 3 * usual_gap, complete.started_at IS NULL)
           AND (latest.account_id IS NOT NULL OR NOT EXISTS (SELECT FROM complete)) AS is_overdue
FROM latest
LEFT JOIN complete USING (account_id, kind)
LEFT JOIN pyrus.sync_cursors AS cursor ON cursor.account_id = latest.account_id AND stream = 'tasks'
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = latest.account_id
CROSS JOIN pyrus_report.clock
CROSS JOIN LATERAL (SELECT extract(epoch FROM now - complete.started_at) AS since_complete) AS since;

COMMENT ON VIEW pyrus_report.sync_freshness IS
    'How old are the data, and is a run overdue? One row per account and kind of run that was ever started. A sync or '
    'reconcile is overdue if its last complete run started more than an hour ago and also more than three times '
    'usual_gap_seconds ago, or if none has been complete for more than an hour since the first was started. After a '
    'single complete run there is no usual gap yet, so nothing is overdue. A run that could not log in counts for its '
    'account in run_accounts; if that is null while other runs are complete, it is never overdue.';
COMMENT ON COLUMN pyrus_report.sync_freshness.account_id IS
    'Id of the person that the connector logs in as; null if it has never logged in.';
COMMENT ON COLUMN pyrus_report.sync_freshness.account IS 'Name of the person that the connector logs in as, if known.';
COMMENT ON COLUMN pyrus_report.sync_freshness.kind IS 'backfill, sync, reconcile, retry, download, files or mirror.';
COMMENT ON COLUMN pyrus_report.sync_freshness.complete_started_at IS
    'When the last complete run of this kind started; null if there was none.';
COMMENT ON COLUMN pyrus_report.sync_freshness.complete_finished_at IS 'When that run ended.';
COMMENT ON COLUMN pyrus_report.sync_freshness.since_complete_seconds IS 'Seconds since complete_started_at.';
COMMENT ON COLUMN pyrus_report.sync_freshness.usual_gap_seconds IS
    'Median seconds between the starts of the last 20 complete runs; null if there were fewer than two.';
COMMENT ON COLUMN pyrus_report.sync_freshness.latest_started_at IS 'When the latest run of any status started.';
COMMENT ON COLUMN pyrus_report.sync_freshness.latest_status IS
    'Status of the latest run: running, ok, partial (stopped early) or failed.';
COMMENT ON COLUMN pyrus_report.sync_freshness.latest_error IS 'Why the latest run failed or stopped.';
COMMENT ON COLUMN pyrus_report.sync_freshness.cursor IS
    'All changes before this time are stored, whatever kind of run loaded them; the same for all kinds.';
COMMENT ON COLUMN pyrus_report.sync_freshness.behind_seconds IS
    'Seconds from the cursor to now: the data are at most this old.';
COMMENT ON COLUMN pyrus_report.sync_freshness.is_overdue IS
    'Whether a sync or reconcile should have been complete by now; false for backfill and retry.';
