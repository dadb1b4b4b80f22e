CREATE OR REPLACE VIEW pyrus_report.reopened_tasks AS
SELECT task.task_id, task.text, task.state, task.form_id, task.form, task.project_id, task.project,
       task.responsible_id, responsible.name AS responsible, task.create_date, task.close_date,
       again.reopen_count, again.first_closed_at AS first_close_date, again.first_at AS first_reopened_at,
       again.last_at AS last_reopened_at, again.last_by_id AS last_reopened_by_id, opener.name AS last_reopened_by,
       round((extract(epoch FROM again.first_at - again.first_closed_at) / 3600)::numeric, 2) AS first_closed_hours,
       round((extract(epoch FROM task.close_date - again.first_at) / 3600)::numeric, 2) AS reworked_hours, task.link
FROM pyrus_report.current_tasks AS task
JOIN (  -- as in state_changes: reopening an open task does not count
    SELECT task_id, count(*) FILTER (WHERE reopens) AS reopen_count,
           min(create_date) FILTER (WHERE reopens) AS first_at, max(create_date) FILTER (WHERE reopens) AS last_at,
           (array_agg(author_id ORDER BY note_no DESC) FILTER (WHERE reopens))[1] AS last_by_id,
           (array_agg(create_date ORDER BY note_no) FILTER (WHERE closes))[1] AS first_closed_at
    FROM (
        SELECT *, was_closed AND NOT closes AS reopens
        FROM (
            SELECT task_id, note_no, create_date, author_id, activity_action <> 'Reopen' AS closes,
                   lag(activity_action <> 'Reopen', 1, false) OVER (PARTITION BY task_id ORDER BY note_no) AS was_closed
            FROM pyrus.notes
            WHERE task_id IN (SELECT task_id FROM pyrus.notes WHERE activity_action = 'Reopen')
              AND activity_action IN ('Complete', 'MarkAsDuplicate', 'MarkAsIrrelevant', 'Reopen')
              AND create_date IS NOT NULL
        ) AS action
    ) AS change
    GROUP BY task_id
    HAVING bool_or(reopens)
) AS again USING (task_id)
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
LEFT JOIN pyrus_report.person_names AS opener ON opener.person_id = again.last_by_id;

COMMENT ON VIEW pyrus_report.reopened_tasks IS
    'Which tasks were reopened after they had been closed? One row per task that was reopened at least once.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.responsible_id IS
    'Id of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.responsible IS
    'Name of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.create_date IS 'When the task was created.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.close_date IS 'When the task was last closed; null while it is open.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.reopen_count IS 'How often the task was reopened.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.first_close_date IS 'When the task was first closed.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.first_reopened_at IS 'When the task was first reopened.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.last_reopened_at IS 'When the task was last reopened.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.last_reopened_by_id IS 'Id of the person who last reopened it.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.last_reopened_by IS 'Name of the person who last reopened it.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.first_closed_hours IS
    'Hours from the first closing to the first reopening.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.reworked_hours IS
    'Hours from the first reopening to the last closing; null while the task is open.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.link IS 'Link to the task in Pyrus.';
