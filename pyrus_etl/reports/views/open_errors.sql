CREATE OR REPLACE VIEW pyrus_report.open_errors AS
SELECT failed.task_id, task_url || failed.task_id AS link, task.text, place.form_id, form, project_id, project,
       stage, error, first_seen_at, last_seen_at, attempts,
       round(extract(epoch FROM now - first_seen_at) / 3600, 2) AS open_hours,
       task.task_id IS NOT NULL AS is_stored, nullif(failed.account_id, 0) AS account_id
FROM pyrus.sync_errors AS failed
LEFT JOIN pyrus.tasks AS task USING (task_id)
LEFT JOIN pyrus_report.current_tasks AS place USING (task_id)
CROSS JOIN pyrus_report.clock
CROSS JOIN pyrus.report_settings
WHERE resolved_at IS NULL;

COMMENT ON VIEW pyrus_report.open_errors IS
    'Which tasks could not be loaded, and why? One row per task that is set aside now, and account that could not load '
    'it; every run of the account tries it again. text, form and project come from an earlier version of the task, if '
    'one is stored.';
COMMENT ON COLUMN pyrus_report.open_errors.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.open_errors.link IS 'Link to the task in Pyrus.';
COMMENT ON COLUMN pyrus_report.open_errors.text IS 'Text of the task, if an earlier version is stored.';
COMMENT ON COLUMN pyrus_report.open_errors.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.open_errors.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.open_errors.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.open_errors.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.open_errors.stage IS 'Stage that failed: fetch, decode or load.';
COMMENT ON COLUMN pyrus_report.open_errors.error IS 'Why it failed.';
COMMENT ON COLUMN pyrus_report.open_errors.first_seen_at IS 'When the task was first set aside.';
COMMENT ON COLUMN pyrus_report.open_errors.last_seen_at IS 'When it last failed.';
COMMENT ON COLUMN pyrus_report.open_errors.attempts IS 'Number of runs in which it failed.';
COMMENT ON COLUMN pyrus_report.open_errors.open_hours IS 'Hours since the task was first set aside.';
COMMENT ON COLUMN pyrus_report.open_errors.is_stored IS
    'Whether an earlier version of the task is in the tables; it may be out of date.';
COMMENT ON COLUMN pyrus_report.open_errors.account_id IS
    'Id of the person that the connector logs in as, who could not load the task; null if unknown.';
