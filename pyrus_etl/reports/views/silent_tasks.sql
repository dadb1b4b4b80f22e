CREATE OR REPLACE VIEW pyrus_report.silent_tasks AS
SELECT task_id, text, form_id, form, project_id, project, responsible_id, responsible, waiting_for,
       create_date, due_date, last_activity_at AS silent_since, last_activity_by_id, last_activity_by,
       round((extract(epoch FROM now - last_activity_at) / 86400)::numeric, 2) AS days_silent, link
FROM pyrus_report.task_overview CROSS JOIN pyrus_report.clock
WHERE close_date IS NULL AND last_activity_at < now - interval '7 days';

COMMENT ON VIEW pyrus_report.silent_tasks IS
    'Which open tasks has nobody touched for long? One row an open task whose last note is more than seven days old.';
COMMENT ON COLUMN pyrus_report.silent_tasks.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.silent_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.silent_tasks.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.silent_tasks.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.silent_tasks.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.silent_tasks.project IS 'Path of its main project from the root.';
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
