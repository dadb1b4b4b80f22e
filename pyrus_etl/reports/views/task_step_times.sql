CREATE OR REPLACE VIEW pyrus_report.task_step_times AS
SELECT task.task_id, task.form_id, task.form, task.project_id, task.project, task.state,
       stay.step_no, coalesce(nullif(step.name, ''), stay.name) AS step, present.is_current,
       round((coalesce(stay.elapsed_ms, 0) / 3600000.0
              + CASE WHEN present.is_current THEN extract(epoch FROM clock.now - read.detail_at) / 3600 ELSE 0 END
             )::numeric, 2) AS hours,
       round(worked.seconds / 3600, 2) AS worked_hours
FROM pyrus_report.current_tasks AS task
JOIN pyrus.task_steps AS stay USING (task_id)
JOIN pyrus.tasks AS read USING (task_id)
CROSS JOIN pyrus_report.clock
LEFT JOIN pyrus.form_steps AS step ON (step.form_id, step.step_no) = (task.form_id, stay.step_no)
CROSS JOIN LATERAL (
    SELECT NOT task.is_closed AND coalesce(task.current_step = stay.step_no, false) AS is_current
) AS present
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM pyrus.notes
        WHERE notes.task_id = task.task_id AND coalesce(reset_to_step, changed_step) IS NOT NULL AND create_date IS NOT NULL
    ) AS by_notes
) AS moved
LEFT JOIN LATERAL (
    SELECT sum({worked until until} - {worked until since}) AS seconds
    FROM (
        SELECT step_no, since, lead(since, 1, CASE WHEN task.is_closed THEN task.close_date ELSE clock.now END)
                                   OVER (ORDER BY note_no) AS until
        FROM (  -- a task begins in step 1
            SELECT 0 AS note_no, 1 AS step_no, task.create_date AS since WHERE moved.by_notes
          UNION ALL
            SELECT note_no, coalesce(reset_to_step, changed_step), create_date FROM pyrus.notes
            WHERE notes.task_id = task.task_id AND coalesce(reset_to_step, changed_step) IS NOT NULL
              AND create_date IS NOT NULL
        ) AS move
      UNION ALL  -- if no note moved it, the steps followed one another; a century is enough for each
        SELECT step_no, task.create_date + passed - elapsed,
               CASE WHEN step_no = stay.step_no AND present.is_current THEN clock.now ELSE task.create_date + passed END
        FROM (
            SELECT step_no, make_interval(secs => least(sum(elapsed_ms) OVER (ORDER BY step_no), 3e12)::float8 / 1000) AS passed,
                   make_interval(secs => least(elapsed_ms, 3e12)::float8 / 1000) AS elapsed
            FROM pyrus.task_steps AS in_order WHERE in_order.task_id = task.task_id AND NOT moved.by_notes
        ) AS in_order
    ) AS period WHERE period.step_no = stay.step_no
) AS worked ON true
WHERE stay.elapsed_ms > 0 OR present.is_current;  -- Pyrus may list steps that the task has not reached

COMMENT ON VIEW pyrus_report.task_step_times IS
    'How long has a task been in each step of its form? One row per step that a task has been in, as API v4 measures '
    'it; none until the whole task has been read, and through API v3.';
COMMENT ON COLUMN pyrus_report.task_step_times.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.task_step_times.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.task_step_times.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.task_step_times.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.task_step_times.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.task_step_times.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.task_step_times.step_no IS 'Number of the step in the form.';
COMMENT ON COLUMN pyrus_report.task_step_times.step IS 'Name of the step.';
COMMENT ON COLUMN pyrus_report.task_step_times.is_current IS 'Whether the task is open and in this step now.';
COMMENT ON COLUMN pyrus_report.task_step_times.hours IS
    'Hours that the task has spent in the step; in the current step of an open task, up to now.';
COMMENT ON COLUMN pyrus_report.task_step_times.worked_hours IS
    'Working hours that the task has spent in the step, by the tables working_hours and holidays; every hour while '
    'these are empty. Notes say when the task moved; if none does, the steps are taken to have followed one another.';
