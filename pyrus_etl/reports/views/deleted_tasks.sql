CREATE OR REPLACE VIEW pyrus_report.deleted_tasks AS
SELECT task.task_id, task.text, CASE WHEN task.is_closed THEN 'closed' ELSE 'open' END AS state,
       task.form_id, form.name AS form, task.main_project_id AS project_id,
       (SELECT jsonb_object_agg(project_id, path) FROM pyrus_report.project_paths) ->> task.main_project_id::text
           AS project,
       task.author_id, author.name AS author, task.responsible_id, responsible.name AS responsible,
       task.create_date, task.modified_date, task.due_date,
       CASE WHEN task.is_closed THEN task.close_date END AS close_date, task.deleted_at,
       (SELECT count(*) FROM pyrus.notes WHERE notes.task_id = task.task_id) AS note_count,
       (SELECT count(*) FROM pyrus.attachments WHERE attachments.task_id = task.task_id) AS attachment_count
FROM pyrus.tasks AS task
LEFT JOIN pyrus.projects AS form ON form.project_id = task.form_id
LEFT JOIN pyrus_report.person_names AS author ON author.person_id = task.author_id
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
WHERE task.deleted_at IS NOT NULL;

COMMENT ON VIEW pyrus_report.deleted_tasks IS
    'Which tasks are gone from Pyrus, or no longer visible? One row per task that a reconcile found missing, as it was '
    'last seen; no other report shows them.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.state IS 'open or closed, when last seen.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.author_id IS 'Id of the person who created the task.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.author IS 'Name of the person who created the task.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.responsible_id IS
    'Id of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.responsible IS
    'Name of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.create_date IS 'When the task was created.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.modified_date IS 'When the task last changed; null if Pyrus does not say.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.due_date IS 'Day on which the task is due, in UTC.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.close_date IS 'When the task was last closed; null while it is open.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.deleted_at IS 'When a reconcile found the task gone or no longer visible.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.note_count IS 'Number of notes.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.attachment_count IS 'Number of files.';
