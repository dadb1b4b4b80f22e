CREATE OR REPLACE VIEW pyrus_report.silent_tasks AS
SELECT task.task_id, task.text, task.form_id, task.form, task.project_id, task.project, task.project_path,
       task.responsible_id, responsible.name AS responsible,
       coalesce(turn.waiting_for, responsible.name) AS waiting_for, task.create_date, task.due_date,
       coalesce(last_note.create_date, task.create_date) AS silent_since, last_note.author_id AS last_activity_by_id,
       last_author.name AS last_activity_by,
       round((extract(epoch FROM clock.now - coalesce(last_note.create_date, task.create_date)) / 86400)::numeric, 2)
           AS days_silent,
       task.link
FROM pyrus_report.current_tasks AS task
CROSS JOIN pyrus_report.clock
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
LEFT JOIN LATERAL (
    SELECT author_id, create_date FROM pyrus.notes WHERE notes.task_id = task.task_id ORDER BY note_no DESC LIMIT 1
) AS last_note ON true
LEFT JOIN pyrus_report.person_names AS last_author ON last_author.person_id = last_note.author_id
LEFT JOIN LATERAL (
    SELECT string_agg(name, ', ' ORDER BY approver_no) AS waiting_for
    FROM pyrus.approvals JOIN pyrus_report.person_names USING (person_id)
    WHERE approvals.task_id = task.task_id AND choice = 'Waiting'
    GROUP BY step_no ORDER BY step_no LIMIT 1
) AS turn ON true
WHERE task.close_date IS NULL
  AND coalesce(last_note.create_date, task.create_date) < clock.now - interval '7 days';

COMMENT ON VIEW pyrus_report.silent_tasks IS
    'Which open tasks has nobody touched for long? One row an open task whose last note is more than seven days old.';
COMMENT ON COLUMN pyrus_report.silent_tasks.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.silent_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.silent_tasks.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.silent_tasks.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.silent_tasks.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.silent_tasks.project IS 'Name of its main project.';
COMMENT ON COLUMN pyrus_report.silent_tasks.project_path IS 'Names from the root down to its main project.';
COMMENT ON COLUMN pyrus_report.silent_tasks.responsible_id IS 'Who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.silent_tasks.responsible IS 'Name of who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.silent_tasks.waiting_for IS
    'Names of whom it waits for: the approvers of the step that it has come to, else the responsible.';
COMMENT ON COLUMN pyrus_report.silent_tasks.create_date IS 'When it was created.';
COMMENT ON COLUMN pyrus_report.silent_tasks.due_date IS 'Day by which it is to be done.';
COMMENT ON COLUMN pyrus_report.silent_tasks.silent_since IS 'When the last note was written.';
COMMENT ON COLUMN pyrus_report.silent_tasks.last_activity_by_id IS 'Who wrote the last note.';
COMMENT ON COLUMN pyrus_report.silent_tasks.last_activity_by IS 'Name of who wrote it.';
COMMENT ON COLUMN pyrus_report.silent_tasks.days_silent IS 'Days since then.';
COMMENT ON COLUMN pyrus_report.silent_tasks.link IS 'Where people open it.';
