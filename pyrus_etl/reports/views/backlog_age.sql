CREATE OR REPLACE VIEW pyrus_report.backlog_age AS
SELECT bucket_no, bucket, from_days, to_days, form_id, form, project_id, project,
       count(*) AS open,
       count(*) FILTER (WHERE task.due_date < today) AS overdue,
       count(*) FILTER (WHERE task.responsible_id IS NULL) AS without_responsible,
       min(task.create_date) AS oldest_create_date,
       round(sum(age_days), 2) AS age_days
FROM pyrus_report.current_tasks AS task
CROSS JOIN pyrus_report.clock
CROSS JOIN LATERAL (SELECT greatest(extract(epoch FROM now - task.create_date) / 86400, 0) AS age_days) AS age
JOIN (VALUES (1, 'under 1 day', 0, 1), (2, '1 to 3 days', 1, 3), (3, '3 to 7 days', 3, 7), (4, '7 to 14 days', 7, 14),
             (5, '14 to 30 days', 14, 30), (6, '30 to 90 days', 30, 90), (7, '90 to 180 days', 90, 180),
             (8, '180 to 365 days', 180, 365), (9, '365 days and more', 365, NULL)
     ) AS bucket (bucket_no, bucket, from_days, to_days)
    ON age_days >= from_days AND (age_days < to_days OR to_days IS NULL)
WHERE NOT task.is_closed
GROUP BY bucket_no, bucket, from_days, to_days, form_id, form, project_id, project;

COMMENT ON VIEW pyrus_report.backlog_age IS
    'How old is the open work? One row per age band, form and main project with open tasks; a day of age is 24 hours '
    'since creation. For totals, sum open, overdue, without_responsible and age_days over any rows.';
COMMENT ON COLUMN pyrus_report.backlog_age.bucket_no IS
    'Number of the age band, from 1 for the youngest; sort by this.';
COMMENT ON COLUMN pyrus_report.backlog_age.bucket IS 'The age band in words.';
COMMENT ON COLUMN pyrus_report.backlog_age.from_days IS 'Minimum age in days, inclusive.';
COMMENT ON COLUMN pyrus_report.backlog_age.to_days IS 'Maximum age in days, exclusive; null if unlimited.';
COMMENT ON COLUMN pyrus_report.backlog_age.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.backlog_age.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.backlog_age.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.backlog_age.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.backlog_age.open IS 'Tasks open now.';
COMMENT ON COLUMN pyrus_report.backlog_age.overdue IS 'Open tasks that were due before today.';
COMMENT ON COLUMN pyrus_report.backlog_age.without_responsible IS 'Open tasks without a person responsible.';
COMMENT ON COLUMN pyrus_report.backlog_age.oldest_create_date IS 'When the oldest of them was created.';
COMMENT ON COLUMN pyrus_report.backlog_age.age_days IS 'Sum of their ages in days; divide by open for the average.';
