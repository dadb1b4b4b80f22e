CREATE OR REPLACE VIEW pyrus_report.silent_tasks AS
SELECT task_id, text, form_id, form, project_id, project, responsible_id, responsible, waiting_for,
       create_date, due_date, last_activity_at AS silent_since, last_activity_by_id, last_activity_by,
       round((extract(epoch FROM now - last_activity_at) / 86400)::numeric, 2) AS days_silent, link
FROM pyrus_report.task_overview CROSS JOIN pyrus_report.clock
WHERE NOT is_closed AND last_activity_at < now - interval '7 days';

COMMENT ON VIEW pyrus_report.silent_tasks IS
    'Which open tasks has nobody touched for a long time? One row per open task whose last activity (see task_overview) is '
    'more than seven days old.';
COMMENT ON COLUMN pyrus_report.silent_tasks.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.silent_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.silent_tasks.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.silent_tasks.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.silent_tasks.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.silent_tasks.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.silent_tasks.responsible_id IS
    'Id of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.silent_tasks.responsible IS
    'Name of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.silent_tasks.waiting_for IS
    'Names of the people that the task is waiting for: the approvers who have not decided in its current step, else the '
    'person responsible; null if it is closed.';
COMMENT ON COLUMN pyrus_report.silent_tasks.create_date IS 'When the task was created.';
COMMENT ON COLUMN pyrus_report.silent_tasks.due_date IS 'Day on which the task is due, in UTC.';
COMMENT ON COLUMN pyrus_report.silent_tasks.silent_since IS
    'When the last note was written; when the task was created, if it has no notes; when it last changed, if its notes '
    'have not been read yet.';
COMMENT ON COLUMN pyrus_report.silent_tasks.last_activity_by_id IS 'Id of the person who wrote the last note.';
COMMENT ON COLUMN pyrus_report.silent_tasks.last_activity_by IS 'Name of the person who wrote the last note.';
COMMENT ON COLUMN pyrus_report.silent_tasks.days_silent IS 'Days since silent_since.';
COMMENT ON COLUMN pyrus_report.silent_tasks.link IS 'Link to the task in Pyrus.';
