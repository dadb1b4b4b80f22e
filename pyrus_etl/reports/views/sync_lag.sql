-- The run of a body is looked up by the time of its fetching: runs of one account do not overlap.
CREATE OR REPLACE VIEW pyrus_report.sync_lag AS
WITH first_complete AS (
    SELECT account_id, min(finished_at) AS finished_at FROM pyrus.sync_runs
    WHERE status = 'ok' AND kind <> 'retry' GROUP BY account_id
), loaded AS (
    SELECT DISTINCT ON (task_id) run.run_id, run.account_id, run.kind, run.started_at,
           extract(epoch FROM fetched_at - coalesce(task.modified_date, listed_date)) AS lag
    FROM pyrus.raw_tasks AS raw
    JOIN pyrus.tasks AS task USING (task_id)
    JOIN first_complete ON fetched_at > first_complete.finished_at
    CROSS JOIN LATERAL (
        SELECT * FROM pyrus.sync_runs AS run
        WHERE run.account_id = first_complete.account_id AND run.started_at <= fetched_at
        ORDER BY started_at DESC LIMIT 1
    ) AS run
    WHERE run.kind IN ('sync', 'reconcile') AND fetched_at <= coalesce(run.finished_at, 'infinity')
      AND deleted_at IS NULL AND coalesce(task.modified_date, listed_date) IS NOT NULL
    ORDER BY task_id, run.started_at DESC  -- runs of two accounts may overlap: a task counts once
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
    'How long after a change is it in the database? One row a run that brought tasks (scope run), and one a day for '
    'all of its runs (day). Counted are the seconds from a task''s ModifiedDate to the fetching of its body, for the tasks '
    'that a sync or reconcile fetched after the first complete run of the account: what was there before the '
    'connector would spoil it. Of a task only the last body is known, so that it counts once, where it changed last.';
COMMENT ON COLUMN pyrus_report.sync_lag.scope IS 'run or day: what the row is about; take one of them.';
COMMENT ON COLUMN pyrus_report.sync_lag.day IS 'Day on which the runs started, in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.sync_lag.run_id IS 'The run; null where scope is day.';
COMMENT ON COLUMN pyrus_report.sync_lag.account_id IS 'The person that the run logged in as; null where scope is day.';
COMMENT ON COLUMN pyrus_report.sync_lag.kind IS 'sync or reconcile; null where scope is day.';
COMMENT ON COLUMN pyrus_report.sync_lag.started_at IS 'When the run started; null where scope is day.';
COMMENT ON COLUMN pyrus_report.sync_lag.tasks IS 'How many tasks were counted.';
COMMENT ON COLUMN pyrus_report.sync_lag.lag_p50_seconds IS
    'Half of them were fetched no later than this after a change.';
COMMENT ON COLUMN pyrus_report.sync_lag.lag_p85_seconds IS '85 of 100 were fetched no later.';
COMMENT ON COLUMN pyrus_report.sync_lag.lag_p95_seconds IS '95 of 100 were fetched no later.';
COMMENT ON COLUMN pyrus_report.sync_lag.lag_max_seconds IS 'The one that took longest.';
