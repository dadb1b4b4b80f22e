CREATE OR REPLACE VIEW pyrus_report.service_level_tasks AS
SELECT task_id, text, form_id, form, project_id, project, responsible_id, responsible, step_no, step, limit_hours,
       worked_hours, round(worked_hours / limit_hours, 4) AS share,
       CASE WHEN worked_hours > limit_hours THEN 'breached' WHEN NOT is_running THEN 'met'
            WHEN worked_hours >= 0.8 * limit_hours THEN 'at risk' ELSE 'in time' END AS state,
       is_running, CASE WHEN is_running THEN (
           SELECT least(starts_at + make_interval(secs => (end_of_limit - worked_before)::float8), ends_at)
           FROM pyrus.working_periods WHERE worked_before < end_of_limit ORDER BY worked_before DESC LIMIT 1
       ) END AS due_at
FROM (
    SELECT task.task_id, task.text, task.form_id, task.form, task.project_id, task.project, task.responsible_id,
           person.name AS responsible, level.step_no, step, level.hours AS limit_hours, worked_hours, is_running
    FROM pyrus.service_levels AS level
    JOIN pyrus_report.current_tasks AS task USING (form_id)
    JOIN LATERAL (
        SELECT NULL AS step, open_worked_hours AS worked_hours, NOT task.is_closed AS is_running
        FROM pyrus_report.cycle_times WHERE cycle_times.task_id = task.task_id AND level.step_no = 0
      UNION ALL
        SELECT step, stay.worked_hours, is_current
        FROM pyrus_report.task_step_times AS stay WHERE stay.task_id = task.task_id AND stay.step_no = level.step_no
    ) AS stay ON true
    LEFT JOIN pyrus_report.person_names AS person ON person.person_id = task.responsible_id
) AS measured
CROSS JOIN pyrus_report.clock
CROSS JOIN LATERAL (
    SELECT {worked until clock.now} + 3600 * (limit_hours - worked_hours) AS end_of_limit
) AS reached
WHERE worked_hours IS NOT NULL;

COMMENT ON VIEW pyrus_report.service_level_tasks IS
    'Which tasks took longer than agreed, and which are about to? A row for each task and each limit of its form in the '
    'table service_levels: for the whole task, and for each step that it has been in. Hours are working hours. Tasks whose '
    'time is not known have no row.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.form_id IS 'Id of the form.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.responsible_id IS
    'Id of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.responsible IS
    'Name of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.step_no IS 'Number of the step that the limit is for; 0 for the whole task.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.step IS 'Name of the step; null for the whole task.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.limit_hours IS 'Working hours that the task may take, or stay in the step.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.worked_hours IS
    'Working hours that it took, or has taken so far: open_worked_hours in cycle_times, worked_hours in task_step_times.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.share IS 'worked_hours as a share of limit_hours; above 1 if it took longer.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.state IS
    'breached if it took longer, also while it is running; met if it ended in time; at risk if it is running and 80 '
    'percent of the limit have passed; in time before that.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.is_running IS 'Whether the task is open, or in this step now.';
COMMENT ON COLUMN pyrus_report.service_level_tasks.due_at IS
    'When the limit is reached, or was, if people work as in the tables working_hours and holidays; null if it ended.';
