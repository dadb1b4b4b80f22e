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
WHERE task.close_date IS NULL
GROUP BY bucket_no, bucket, from_days, to_days, form_id, form, project_id, project;

COMMENT ON VIEW pyrus_report.backlog_age IS
    'How old is the open work? One row an age, form and main project with open tasks; a day of age is 24 hours since '
    'the creation. For a total sum open, overdue, without_responsible and age_days over any rows.';
COMMENT ON COLUMN pyrus_report.backlog_age.bucket_no IS 'Number of the age, from 1 for the youngest; to sort by.';
COMMENT ON COLUMN pyrus_report.backlog_age.bucket IS 'The age in words.';
COMMENT ON COLUMN pyrus_report.backlog_age.from_days IS 'Least age in days, included.';
COMMENT ON COLUMN pyrus_report.backlog_age.to_days IS 'Greatest age in days, not included; null for no end.';
COMMENT ON COLUMN pyrus_report.backlog_age.form_id IS 'The form of the tasks; null: tasks without one.';
COMMENT ON COLUMN pyrus_report.backlog_age.form IS 'Name of that form.';
COMMENT ON COLUMN pyrus_report.backlog_age.project_id IS 'The main project of the tasks; null: tasks in none.';
COMMENT ON COLUMN pyrus_report.backlog_age.project IS 'Path of that project from the root.';
COMMENT ON COLUMN pyrus_report.backlog_age.open IS 'Tasks open now.';
COMMENT ON COLUMN pyrus_report.backlog_age.overdue IS 'Those of them that were due before today.';
COMMENT ON COLUMN pyrus_report.backlog_age.without_responsible IS 'Those of them that nobody is responsible for.';
COMMENT ON COLUMN pyrus_report.backlog_age.oldest_create_date IS 'When the oldest of them was created.';
COMMENT ON COLUMN pyrus_report.backlog_age.age_days IS
    'Their ages in days, summed; divided by open it is the average.';
