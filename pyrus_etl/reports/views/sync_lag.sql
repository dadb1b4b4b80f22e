-- The run that fetched a body is found by the time of the fetch, because runs of one account do not overlap.
CREATE OR REPLACE VIEW pyrus_report.sync_lag AS
WITH first_complete AS (
    SELECT account_id, min(finished_at) AS finished_at FROM pyrus.sync_runs
    WHERE status = 'ok' AND kind IN ('backfill', 'sync', 'reconcile') GROUP BY account_id
), loaded AS (
    SELECT DISTINCT ON (raw.task_id) run.run_id, run.account_id, run.kind, run.started_at,
           extract(epoch FROM fetched_at - coalesce(task.modified_date, sighting.listed_date)) AS lag
    FROM pyrus.raw_tasks AS raw
    JOIN pyrus.tasks AS task USING (task_id)
    LEFT JOIN pyrus.task_sightings AS sighting ON sighting.task_id = raw.task_id AND sighting.is_reader
    JOIN first_complete ON fetched_at > first_complete.finished_at
    CROSS JOIN LATERAL (
        SELECT * FROM pyrus.sync_runs AS run
        WHERE run.account_id = first_complete.account_id AND run.started_at <= fetched_at
        ORDER BY started_at DESC LIMIT 1
    ) AS run
    WHERE run.kind IN ('sync', 'reconcile') AND fetched_at <= coalesce(run.finished_at, 'infinity')
      AND deleted_at IS NULL AND coalesce(task.modified_date, sighting.listed_date) IS NOT NULL
    ORDER BY raw.task_id, run.started_at DESC  -- runs of two accounts may overlap: a task counts once
), measured AS (
    SELECT (started_at AT TIME ZONE (SELECT time_zone FROM pyrus_report.clock))::date AS day,
           run_id, account_id, kind, started_at, count(*) AS tasks, max(lag) AS longest,
           percentile_cont(ARRAY[0.5, 0.85, 0.95]) WITHIN GROUP (ORDER BY lag) AS percentile
    FROM loaded
    GROUP BY GROUPING SETS ((day), (day, run_id, account_id, kind, started_at))
)
SELECT CASE WHEN run_id IS NULL THEN 'day' ELSE 'run' END AS scope, day, run_id, account_id, kind, started_at, tasks,
       round(percentile[1]::numeric, 1) AS lag_p50_seconds,
       round(percentile[2]::numeric, 1) AS lag_p85_seconds,
       round(percentile[3]::numeric, 1) AS lag_p95_seconds,
       round(longest, 1) AS lag_max_seconds
FROM measured;

COMMENT ON VIEW pyrus_report.sync_lag IS
    'How long does a change take to reach the database? One row per run that loaded tasks (scope run), and one per day '
    'for all of its runs (scope day). The lag is the seconds from a task''s ModifiedDate to the fetch of its body. '
    'Only tasks that a sync or reconcile fetched after the account''s first complete run count, because tasks from '
    'before the connector would distort the result. Only the last body of a task is stored, so each task counts once, '
    'at its last change.';
COMMENT ON COLUMN pyrus_report.sync_lag.scope IS 'run or day: what the row is about; filter by one of them.';
COMMENT ON COLUMN pyrus_report.sync_lag.day IS 'Day on which the runs started, in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.sync_lag.run_id IS 'Id of the run; null if scope is day.';
COMMENT ON COLUMN pyrus_report.sync_lag.account_id IS
    'Id of the person that the connector logs in as; null if scope is day.';
COMMENT ON COLUMN pyrus_report.sync_lag.kind IS 'sync or reconcile; null if scope is day.';
COMMENT ON COLUMN pyrus_report.sync_lag.started_at IS 'When the run started; null if scope is day.';
COMMENT ON COLUMN pyrus_report.sync_lag.tasks IS 'Number of tasks counted.';
COMMENT ON COLUMN pyrus_report.sync_lag.lag_p50_seconds IS
    'Half of them were fetched at most this many seconds after the change.';
COMMENT ON COLUMN pyrus_report.sync_lag.lag_p85_seconds IS
    '85 percent of them were fetched at most this many seconds after the change.';
COMMENT ON COLUMN pyrus_report.sync_lag.lag_p95_seconds IS
    '95 percent of them were fetched at most this many seconds after the change.';
COMMENT ON COLUMN pyrus_report.sync_lag.lag_max_seconds IS 'The longest lag in seconds.';
