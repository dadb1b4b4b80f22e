CREATE OR REPLACE VIEW pyrus_report.current_tasks AS
SELECT task.task_id, task.form_id, form.name AS form, task.main_project_id AS project_id,
       -- builds all paths once and looks them up; a join would build them again for every task that is looked up
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
    'Which tasks exist, with which form and in which project? One row per task that is not deleted; most other reports '
    'are built on this one.';
COMMENT ON COLUMN pyrus_report.current_tasks.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.current_tasks.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.current_tasks.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.current_tasks.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.current_tasks.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.current_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.current_tasks.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.current_tasks.author_id IS 'Id of the person who created the task.';
COMMENT ON COLUMN pyrus_report.current_tasks.responsible_id IS
    'Id of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.current_tasks.asap IS 'Whether the task is marked "as soon as possible".';
COMMENT ON COLUMN pyrus_report.current_tasks.create_date IS 'When the task was created.';
COMMENT ON COLUMN pyrus_report.current_tasks.modified_date IS 'When the task last changed; null if Pyrus does not say.';
COMMENT ON COLUMN pyrus_report.current_tasks.due_date IS 'Day on which the task is due, in UTC.';
COMMENT ON COLUMN pyrus_report.current_tasks.close_date IS 'When the task was last closed; null while it is open.';
COMMENT ON COLUMN pyrus_report.current_tasks.parent_task_id IS
    'Id of the task of which this is a subtask; the account may not see it.';
COMMENT ON COLUMN pyrus_report.current_tasks.is_any_rejected IS 'Whether an approver rejected the task.';
COMMENT ON COLUMN pyrus_report.current_tasks.link IS 'Link to the task in Pyrus.';
