CREATE OR REPLACE VIEW pyrus_report.overdue_tasks AS
SELECT task.task_id, task.text, task.form_id, task.form, task.project_id, task.project,
       task.responsible_id, responsible.name AS responsible, task.author_id, author.name AS author, task.asap,
       task.create_date, task.due_date, clock.today - task.due_date AS days_overdue,
       CASE WHEN clock.today - task.due_date <= 7 THEN '1: to a week'
            WHEN clock.today - task.due_date <= 30 THEN '2: to 30 days'
            WHEN clock.today - task.due_date <= 90 THEN '3: to 90 days' ELSE '4: more' END AS overdue_by,
       planned.first_due_date, planned.postponed_count, task.link
FROM pyrus_report.current_tasks AS task
JOIN pyrus_report.clock ON task.due_date < clock.today
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
LEFT JOIN pyrus_report.person_names AS author ON author.person_id = task.author_id
LEFT JOIN LATERAL (
    SELECT coalesce((array_agg(due_date_changed ORDER BY note_no))[1], task.due_date) AS first_due_date,
           count(*) FILTER (WHERE due_date_changed > before_date) AS postponed_count
    FROM (
        SELECT note_no, due_date_changed, lag(due_date_changed) OVER (ORDER BY note_no) AS before_date
        FROM pyrus.notes WHERE notes.task_id = task.task_id AND due_date_changed IS NOT NULL
    ) AS plan
) AS planned ON true
WHERE NOT task.is_closed;

COMMENT ON VIEW pyrus_report.overdue_tasks IS
    'Which open tasks are past their due day, by how much, and who is responsible? One row per open task whose due day '
    'has passed.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.responsible_id IS
    'Id of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.responsible IS
    'Name of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.author_id IS 'Id of the person who created the task.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.author IS 'Name of the person who created the task.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.asap IS 'Whether the task is marked "as soon as possible".';
COMMENT ON COLUMN pyrus_report.overdue_tasks.create_date IS 'When the task was created.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.due_date IS 'Day on which the task is due, in UTC.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.days_overdue IS 'Days since the due day.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.overdue_by IS 'Lateness in four bands, which sort by their number.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.first_due_date IS
    'The first due day set by a note, else due_date. If the task was created with a due day that no note records, this '
    'is the day it was first moved to.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.postponed_count IS
    'How often a note moved the due day to a later day than the previous note that set one.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.link IS 'Link to the task in Pyrus.';
