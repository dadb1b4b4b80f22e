CREATE OR REPLACE VIEW pyrus_report.deleted_tasks AS
SELECT task.task_id, task.text, CASE WHEN task.close_date IS NULL THEN 'open' ELSE 'closed' END AS state,
       task.form_id, form.name AS form, task.main_project_id AS project_id,
       (SELECT jsonb_object_agg(project_id, path) FROM pyrus_report.project_paths) ->> task.main_project_id::text
           AS project,
       task.author_id, author.name AS author, task.responsible_id, responsible.name AS responsible,
       task.create_date, task.modified_date, task.due_date, task.close_date, task.deleted_at,
       (SELECT count(*) FROM pyrus.notes WHERE notes.task_id = task.task_id) AS note_count,
       (SELECT count(*) FROM pyrus.attachments WHERE attachments.task_id = task.task_id) AS attachment_count
FROM pyrus.tasks AS task
LEFT JOIN pyrus.projects AS form ON form.project_id = task.form_id
LEFT JOIN pyrus_report.person_names AS author ON author.person_id = task.author_id
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
WHERE task.deleted_at IS NOT NULL;

COMMENT ON VIEW pyrus_report.deleted_tasks IS
    'Which tasks are gone from Pyrus, or no longer visible? One row a task that a reconcile found missing, as it last '
    'was; the only report that shows them.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.state IS 'open or closed, when it was last seen.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.author_id IS 'Who created it.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.author IS 'Name of who created it.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.responsible_id IS 'Who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.responsible IS 'Name of who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.create_date IS 'When it was created.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.modified_date IS 'When it last changed.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.due_date IS 'Day by which it is to be done.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.close_date IS 'When it was closed; null while it is open.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.deleted_at IS 'When a reconcile found that it is gone.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.note_count IS 'How many notes it had.';
COMMENT ON COLUMN pyrus_report.deleted_tasks.attachment_count IS 'How many files it had.';
