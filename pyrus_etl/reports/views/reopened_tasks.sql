CREATE OR REPLACE VIEW pyrus_report.reopened_tasks AS
SELECT task.task_id, task.text, task.state, task.form_id, task.form, task.project_id, task.project,
       task.responsible_id, responsible.name AS responsible, task.create_date, task.close_date,
       again.reopen_count, again.first_closed_at AS first_close_date, again.first_at AS first_reopened_at,
       again.last_at AS last_reopened_at, again.last_by_id AS last_reopened_by_id, opener.name AS last_reopened_by,
       round((extract(epoch FROM again.first_at - again.first_closed_at) / 3600)::numeric, 2) AS first_closed_hours,
       round((extract(epoch FROM task.close_date - again.first_at) / 3600)::numeric, 2) AS reworked_hours, task.link
FROM pyrus_report.current_tasks AS task
JOIN (  -- as in state_changes: what is open is not reopened
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
    'Which tasks came back after they had been closed? One row a task that was reopened at least once.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.responsible_id IS 'Who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.responsible IS 'Name of who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.create_date IS 'When it was created.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.close_date IS 'When it was closed; null while it is open.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.reopen_count IS 'How often it was reopened.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.first_close_date IS 'When it was closed before it was first reopened.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.first_reopened_at IS 'When it was first reopened.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.last_reopened_at IS 'When it was last reopened.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.last_reopened_by_id IS 'Who reopened it last.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.last_reopened_by IS 'Name of who reopened it last.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.first_closed_hours IS
    'Hours that it had been closed when it was first reopened.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.reworked_hours IS
    'Hours from the first reopening to its closing; null while it is open.';
COMMENT ON COLUMN pyrus_report.reopened_tasks.link IS 'Where people open it.';
