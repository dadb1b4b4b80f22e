CREATE OR REPLACE VIEW pyrus_report.aging_work AS
WITH kind AS (
    SELECT form_id, count(*) AS closed, array_agg(hours ORDER BY hours) AS sample,
           percentile_cont(ARRAY[0.5, 0.85, 0.95]) WITHIN GROUP (ORDER BY hours) AS percentile
    FROM pyrus.tasks
    CROSS JOIN LATERAL (SELECT extract(epoch FROM close_date - create_date)::float8 / 3600 AS hours) AS cycle
    WHERE deleted_at IS NULL AND create_date IS NOT NULL
      AND close_date >= (SELECT now - interval '365 days' FROM pyrus_report.clock)
    GROUP BY form_id
)
SELECT task_id, task.text, task.form_id, task.form, task.project_id, task.project,
       task.author_id, author.name AS author, task.responsible_id, responsible.name AS responsible,
       task.create_date, task.due_date,
       round(age_hours::numeric, 2) AS age_hours,
       round(percentile[1]::numeric, 2) AS p50_hours,
       round(percentile[2]::numeric, 2) AS p85_hours,
       round(percentile[3]::numeric, 2) AS p95_hours,
       coalesce(closed, 0) AS sample_size,
       -- width_bucket counts by bisection how many of the sample were no longer.
       round(100.0 * width_bucket(age_hours, sample) / closed, 1) AS percentile_reached,
       age_hours > percentile[2] AS is_beyond_p85
FROM pyrus_report.current_tasks AS task
LEFT JOIN pyrus_report.person_names AS author ON author.person_id = task.author_id
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
LEFT JOIN kind ON kind.form_id IS NOT DISTINCT FROM task.form_id
CROSS JOIN pyrus_report.clock
CROSS JOIN LATERAL (SELECT extract(epoch FROM now - task.create_date)::float8 / 3600 AS age_hours) AS age
WHERE task.close_date IS NULL;

COMMENT ON VIEW pyrus_report.aging_work IS
    'Which open tasks take longer than their kind usually does? One row an open task, beside how long the tasks of the '
    'same form (or without a form, too) took from creation to closing that were closed in the last 365 days.';
COMMENT ON COLUMN pyrus_report.aging_work.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.aging_work.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.aging_work.form_id IS 'The form of the task; null where it has none.';
COMMENT ON COLUMN pyrus_report.aging_work.form IS 'Name of that form.';
COMMENT ON COLUMN pyrus_report.aging_work.project_id IS 'The main project of the task.';
COMMENT ON COLUMN pyrus_report.aging_work.project IS 'Path of that project from the root.';
COMMENT ON COLUMN pyrus_report.aging_work.author_id IS 'Who created the task.';
COMMENT ON COLUMN pyrus_report.aging_work.author IS 'Name of the author.';
COMMENT ON COLUMN pyrus_report.aging_work.responsible_id IS 'Who is responsible for it.';
COMMENT ON COLUMN pyrus_report.aging_work.responsible IS 'Name of the responsible person.';
COMMENT ON COLUMN pyrus_report.aging_work.create_date IS 'When it was created.';
COMMENT ON COLUMN pyrus_report.aging_work.due_date IS 'Day by which it is to be done.';
COMMENT ON COLUMN pyrus_report.aging_work.age_hours IS 'Hours since its creation.';
COMMENT ON COLUMN pyrus_report.aging_work.p50_hours IS 'Half of the closed ones took no longer than this.';
COMMENT ON COLUMN pyrus_report.aging_work.p85_hours IS '85 of 100 took no longer than this.';
COMMENT ON COLUMN pyrus_report.aging_work.p95_hours IS '95 of 100 took no longer than this.';
COMMENT ON COLUMN pyrus_report.aging_work.sample_size IS
    'How many closed ones there are; where they are few, the percentiles say little.';
COMMENT ON COLUMN pyrus_report.aging_work.percentile_reached IS
    'Of 100 closed ones, so many had been closed at this age; null where there are none.';
COMMENT ON COLUMN pyrus_report.aging_work.is_beyond_p85 IS
    'Whether it is older than 85 of 100 closed ones were in the end; null where there are none.';
