CREATE OR REPLACE VIEW pyrus_report.aging_work AS
WITH kind AS (
    SELECT form_id, count(*) AS closed, array_agg(hours ORDER BY hours) AS sample,
           percentile_cont(ARRAY[0.5, 0.85, 0.95]) WITHIN GROUP (ORDER BY hours) AS percentile
    FROM pyrus.tasks
    CROSS JOIN LATERAL (SELECT extract(epoch FROM close_date - create_date)::float8 / 3600 AS hours) AS cycle
    WHERE deleted_at IS NULL AND is_closed AND create_date IS NOT NULL
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
       -- width_bucket counts by bisection the tasks of the sample that took no longer.
       round(100.0 * width_bucket(age_hours, sample) / closed, 1) AS percentile_reached,
       age_hours > percentile[2] AS is_beyond_p85
FROM pyrus_report.current_tasks AS task
LEFT JOIN pyrus_report.person_names AS author ON author.person_id = task.author_id
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
LEFT JOIN kind ON kind.form_id IS NOT DISTINCT FROM task.form_id
CROSS JOIN pyrus_report.clock
CROSS JOIN LATERAL (SELECT extract(epoch FROM now - task.create_date)::float8 / 3600 AS age_hours) AS age
WHERE NOT task.is_closed;

COMMENT ON VIEW pyrus_report.aging_work IS
    'Which open tasks take longer than usual for their form? One row per open task. Each is compared with a sample: '
    'the tasks of the same form (or likewise without one) that were closed in the last 365 days, by their hours from '
    'creation to closing.';
COMMENT ON COLUMN pyrus_report.aging_work.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.aging_work.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.aging_work.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.aging_work.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.aging_work.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.aging_work.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.aging_work.author_id IS 'Id of the person who created the task.';
COMMENT ON COLUMN pyrus_report.aging_work.author IS 'Name of the person who created the task.';
COMMENT ON COLUMN pyrus_report.aging_work.responsible_id IS
    'Id of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.aging_work.responsible IS
    'Name of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.aging_work.create_date IS 'When the task was created.';
COMMENT ON COLUMN pyrus_report.aging_work.due_date IS 'Day on which the task is due, in UTC.';
COMMENT ON COLUMN pyrus_report.aging_work.age_hours IS 'Hours since the task was created.';
COMMENT ON COLUMN pyrus_report.aging_work.p50_hours IS 'Half of the sample took at most this long.';
COMMENT ON COLUMN pyrus_report.aging_work.p85_hours IS '85 percent of the sample took at most this long.';
COMMENT ON COLUMN pyrus_report.aging_work.p95_hours IS '95 percent of the sample took at most this long.';
COMMENT ON COLUMN pyrus_report.aging_work.sample_size IS
    'Number of tasks in the sample; if it is small, the percentiles mean little.';
COMMENT ON COLUMN pyrus_report.aging_work.percentile_reached IS
    'Percentage of the sample that was closed by this age; null if the sample is empty.';
COMMENT ON COLUMN pyrus_report.aging_work.is_beyond_p85 IS
    'Whether age_hours exceeds p85_hours; null if the sample is empty.';
