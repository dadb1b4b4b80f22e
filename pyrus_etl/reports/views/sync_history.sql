CREATE OR REPLACE VIEW pyrus_report.sync_history AS
SELECT run_id, run_account.account_id, person.name AS account, kind, status,
       started_at, finished_at, (started_at AT TIME ZONE time_zone)::date AS day,
       round(seconds, 1) AS duration_seconds,
       round(extract(epoch FROM started_at - lag(started_at) OVER like_it), 1) AS since_previous_seconds,
       tasks_listed, tasks_fetched, tasks_changed, tasks_unchanged, tasks_deleted, tasks_failed, values_unreadable,
       requests, retries,
       round(tasks_fetched / nullif(seconds, 0), 2) AS fetched_per_second,
       round(requests / nullif(seconds, 0), 2) AS requests_per_second,
       round(tasks_changed / nullif(tasks_fetched, 0)::numeric, 4) AS changed_share,
       round(retries / nullif(requests, 0)::numeric, 4) AS retried_share,
       error, run.login, run.register_lag_seconds, files_stored, bytes
FROM pyrus.sync_runs AS run
JOIN pyrus_report.run_accounts AS run_account USING (run_id)
CROSS JOIN pyrus_report.clock
CROSS JOIN LATERAL (SELECT extract(epoch FROM coalesce(finished_at, now) - started_at) AS seconds) AS took
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = run_account.account_id
WINDOW like_it AS (PARTITION BY run_account.account_id, kind ORDER BY started_at);

COMMENT ON VIEW pyrus_report.sync_history IS
    'How did the runs of the connector go: how long, how fast, with what result? One row per run. The counts can be '
    'summed over runs.';
COMMENT ON COLUMN pyrus_report.sync_history.run_id IS 'Id of the run; later runs have greater ids (UUID version 7).';
COMMENT ON COLUMN pyrus_report.sync_history.account_id IS
    'Id of the person that the connector logs in as; see run_accounts for runs that could not log in.';
COMMENT ON COLUMN pyrus_report.sync_history.account IS 'Name of the person that the connector logs in as, if known.';
COMMENT ON COLUMN pyrus_report.sync_history.kind IS 'backfill, sync, reconcile, retry, download, files or mirror.';
COMMENT ON COLUMN pyrus_report.sync_history.status IS
    'running, ok, partial (stopped early, continues next time) or failed.';
COMMENT ON COLUMN pyrus_report.sync_history.started_at IS 'When the run started.';
COMMENT ON COLUMN pyrus_report.sync_history.finished_at IS 'When the run ended; null while it is running.';
COMMENT ON COLUMN pyrus_report.sync_history.day IS 'Day on which the run started, in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.sync_history.duration_seconds IS
    'Seconds that the run took; while it is running, up to now.';
COMMENT ON COLUMN pyrus_report.sync_history.since_previous_seconds IS
    'Seconds from the start of the previous run of the same account and kind to the start of this one.';
COMMENT ON COLUMN pyrus_report.sync_history.tasks_listed IS
    'Entries read in lists of tasks; a task in two lists counts twice.';
COMMENT ON COLUMN pyrus_report.sync_history.tasks_fetched IS 'Bodies fetched.';
COMMENT ON COLUMN pyrus_report.sync_history.tasks_changed IS
    'Tasks written, because they were new or their body had changed.';
COMMENT ON COLUMN pyrus_report.sync_history.tasks_unchanged IS
    'Listed tasks found unchanged, by their date or by the hash of their body.';
COMMENT ON COLUMN pyrus_report.sync_history.tasks_deleted IS 'Tasks marked as deleted.';
COMMENT ON COLUMN pyrus_report.sync_history.tasks_failed IS 'Tasks set aside; see open_errors.';
COMMENT ON COLUMN pyrus_report.sync_history.values_unreadable IS
    'Values stored as null because they could not be read; raw_tasks has them.';
COMMENT ON COLUMN pyrus_report.sync_history.requests IS 'Requests sent to Pyrus.';
COMMENT ON COLUMN pyrus_report.sync_history.retries IS 'Requests that had to be sent again.';
COMMENT ON COLUMN pyrus_report.sync_history.fetched_per_second IS 'Bodies fetched per second.';
COMMENT ON COLUMN pyrus_report.sync_history.requests_per_second IS 'Requests sent per second.';
COMMENT ON COLUMN pyrus_report.sync_history.changed_share IS 'tasks_changed as a share of tasks_fetched.';
COMMENT ON COLUMN pyrus_report.sync_history.retried_share IS 'retries as a share of requests.';
COMMENT ON COLUMN pyrus_report.sync_history.error IS 'Why the run failed or stopped.';
COMMENT ON COLUMN pyrus_report.sync_history.login IS
    'PYRUS_LOGIN of the run; null if it used an access token or no login was set.';
COMMENT ON COLUMN pyrus_report.sync_history.register_lag_seconds IS
    'The most seconds by which the register of a form lagged behind the tasks; null if none was compared, and through API '
    'v3.';
COMMENT ON COLUMN pyrus_report.sync_history.files_stored IS 'Files whose contents were stored.';
COMMENT ON COLUMN pyrus_report.sync_history.bytes IS 'Bytes of the contents that were stored.';
