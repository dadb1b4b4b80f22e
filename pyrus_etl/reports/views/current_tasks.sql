CREATE OR REPLACE VIEW pyrus_report.current_tasks AS
SELECT task.task_id, task.form_id, form.name AS form, task.main_project_id AS project_id,
       -- builds all paths once and looks them up; a join would build them again for every task that is looked up
       (SELECT jsonb_object_agg(project_id, path) FROM pyrus_report.project_paths) ->> task.main_project_id::text
           AS project,
       task.text, CASE WHEN task.is_closed THEN 'closed' ELSE 'open' END AS state, task.author_id,
       task.responsible_id, task.asap, task.create_date, task.modified_date, task.due_date,
       CASE WHEN task.is_closed THEN task.close_date END AS close_date,
       task.parent_task_id, task.is_any_rejected,
       (SELECT task_url FROM pyrus.report_settings) || task.task_id AS link,
       task.is_closed, task.detail_at IS NOT NULL AS has_detail, task.subject, task.current_step, step.name AS current_step_name,
       task.due_at, task.scheduled_date, task.scheduled_at
FROM pyrus.tasks AS task
LEFT JOIN pyrus.projects AS form ON form.project_id = task.form_id
LEFT JOIN pyrus.form_steps AS step ON (step.form_id, step.step_no) = (task.form_id, task.current_step)
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
COMMENT ON COLUMN pyrus_report.current_tasks.close_date IS
    'When the task was last closed; null while it is open, and while the time of closing is not known.';
COMMENT ON COLUMN pyrus_report.current_tasks.parent_task_id IS
    'Id of the task of which this is a subtask; the account may not see it.';
COMMENT ON COLUMN pyrus_report.current_tasks.is_any_rejected IS 'Whether an approver rejected the task.';
COMMENT ON COLUMN pyrus_report.current_tasks.link IS 'Link to the task in Pyrus.';
COMMENT ON COLUMN pyrus_report.current_tasks.is_closed IS
    'Whether the task is closed; known as soon as the task is, also while close_date is not.';
COMMENT ON COLUMN pyrus_report.current_tasks.has_detail IS
    'Whether the whole task has been read. If not, only its form values, dates and state are known: notes, approvals and '
    'files are still to come.';
COMMENT ON COLUMN pyrus_report.current_tasks.subject IS 'Subject of the task, if it has one besides its text.';
COMMENT ON COLUMN pyrus_report.current_tasks.current_step IS
    'Number of the step of the form that the task is at; null through API v3.';
COMMENT ON COLUMN pyrus_report.current_tasks.current_step_name IS 'Name of this step.';
COMMENT ON COLUMN pyrus_report.current_tasks.due_at IS 'When the task is due, if it has a time of day.';
COMMENT ON COLUMN pyrus_report.current_tasks.scheduled_date IS 'Day for which the task is scheduled.';
COMMENT ON COLUMN pyrus_report.current_tasks.scheduled_at IS 'Time for which the task is scheduled.';
