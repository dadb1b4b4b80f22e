CREATE OR REPLACE VIEW pyrus_report.current_tasks AS
SELECT task.task_id, task.form_id, form.name AS form, task.main_project_id AS project_id,
       -- every path at once, to look up from: a join would make them anew wherever a task is looked up
       (SELECT jsonb_object_agg(project_id, path) FROM pyrus_report.project_paths) ->> task.main_project_id::text
           AS project,
       task.text, CASE WHEN task.close_date IS NULL THEN 'open' ELSE 'closed' END AS state, task.author_id,
       task.responsible_id, task.asap, task.create_date, task.modified_date, task.due_date, task.close_date,
       task.parent_task_id, task.is_any_rejected,
       (SELECT task_url FROM pyrus.report_settings) || task.task_id AS link
FROM pyrus.tasks AS task
LEFT JOIN pyrus.projects AS form ON form.project_id = task.form_id
WHERE task.deleted_at IS NULL;

COMMENT ON VIEW pyrus_report.current_tasks IS
    'Which tasks are there, of what form and in what project? One row a task that is not deleted; the ground of the '
    'other reports.';
COMMENT ON COLUMN pyrus_report.current_tasks.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.current_tasks.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.current_tasks.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.current_tasks.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.current_tasks.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.current_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.current_tasks.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.current_tasks.author_id IS 'Who created it.';
COMMENT ON COLUMN pyrus_report.current_tasks.responsible_id IS 'Who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.current_tasks.asap IS 'Whether it is marked as to be done as soon as possible.';
COMMENT ON COLUMN pyrus_report.current_tasks.create_date IS 'When it was created.';
COMMENT ON COLUMN pyrus_report.current_tasks.modified_date IS 'When it last changed.';
COMMENT ON COLUMN pyrus_report.current_tasks.due_date IS 'Day by which it is to be done.';
COMMENT ON COLUMN pyrus_report.current_tasks.close_date IS 'When it was closed; null while it is open.';
COMMENT ON COLUMN pyrus_report.current_tasks.parent_task_id IS 'The task of which it is a subtask.';
COMMENT ON COLUMN pyrus_report.current_tasks.is_any_rejected IS 'Whether an approver rejected it.';
COMMENT ON COLUMN pyrus_report.current_tasks.link IS 'Where people open it.';
