CREATE OR REPLACE VIEW pyrus_report.step_times AS
WITH stay AS (
    SELECT form_id, step_no, max(step) AS step, count(*) FILTER (WHERE NOT is_current) AS task_count,
           sum(hours) FILTER (WHERE NOT is_current) AS total_hours,
           max(hours) FILTER (WHERE NOT is_current) AS max_hours,
           percentile_cont(ARRAY[0.5, 0.85, 0.95]) WITHIN GROUP (ORDER BY hours) FILTER (WHERE NOT is_current)
               AS percentile,
           max(hours) FILTER (WHERE is_current) AS longest_now_hours,
           avg(worked_hours) FILTER (WHERE NOT is_current) AS mean_worked_hours,
           percentile_cont(0.85) WITHIN GROUP (ORDER BY worked_hours) FILTER (WHERE NOT is_current) AS p85_worked_hours
    FROM pyrus_report.task_step_times WHERE form_id IS NOT NULL GROUP BY form_id, step_no
), present AS (
    SELECT form_id, current_step AS step_no, count(*) AS open_tasks
    FROM pyrus.tasks WHERE deleted_at IS NULL AND NOT is_closed AND current_step IS NOT NULL AND form_id IS NOT NULL
    GROUP BY form_id, current_step
)
SELECT form_id, form.name AS form, step_no, coalesce(nullif(defined.name, ''), stay.step) AS step,
       coalesce(open_tasks, 0) AS open_tasks, longest_now_hours, coalesce(task_count, 0) AS task_count,
       round(total_hours / nullif(task_count, 0), 2) AS mean_hours,
       round(percentile[1]::numeric, 2) AS p50_hours,
       round(percentile[2]::numeric, 2) AS p85_hours,
       round(percentile[3]::numeric, 2) AS p95_hours,
       max_hours, total_hours, round(mean_worked_hours, 2) AS mean_worked_hours,
       round(p85_worked_hours::numeric, 2) AS p85_worked_hours
FROM (SELECT form_id, step_no::bigint AS step_no, name FROM pyrus.form_steps) AS defined
FULL JOIN stay USING (form_id, step_no)
FULL JOIN present USING (form_id, step_no)
LEFT JOIN pyrus.projects AS form ON form.project_id = form_id;

COMMENT ON VIEW pyrus_report.step_times IS
    'How long do tasks spend in each step of a form, and where are they now? One row per form and step, also if no '
    'task has been in it. The statistics are over tasks that have left the step, or were closed in it. Only counts '
    'and total_hours can be summed; for another grouping, use percentile_cont over task_step_times.';
COMMENT ON COLUMN pyrus_report.step_times.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.step_times.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.step_times.step_no IS 'Number of the step in the form.';
COMMENT ON COLUMN pyrus_report.step_times.step IS 'Name of the step.';
COMMENT ON COLUMN pyrus_report.step_times.open_tasks IS 'Open tasks that are in the step now.';
COMMENT ON COLUMN pyrus_report.step_times.longest_now_hours IS
    'Hours that the longest of these has been in the step so far.';
COMMENT ON COLUMN pyrus_report.step_times.task_count IS 'Tasks that have left the step, or were closed in it.';
COMMENT ON COLUMN pyrus_report.step_times.mean_hours IS 'Average number of hours that they spent in the step.';
COMMENT ON COLUMN pyrus_report.step_times.p50_hours IS 'Half of them spent at most this many hours in the step.';
COMMENT ON COLUMN pyrus_report.step_times.p85_hours IS '85 percent of them spent at most this many hours in the step.';
COMMENT ON COLUMN pyrus_report.step_times.p95_hours IS '95 percent of them spent at most this many hours in the step.';
COMMENT ON COLUMN pyrus_report.step_times.max_hours IS 'The longest that one of them spent in the step, in hours.';
COMMENT ON COLUMN pyrus_report.step_times.total_hours IS 'Hours that they spent in the step, together.';
COMMENT ON COLUMN pyrus_report.step_times.mean_worked_hours IS
    'Average number of working hours that they spent in the step, by the tables working_hours and holidays.';
COMMENT ON COLUMN pyrus_report.step_times.p85_worked_hours IS
    '85 percent of them spent at most this many working hours in the step.';
