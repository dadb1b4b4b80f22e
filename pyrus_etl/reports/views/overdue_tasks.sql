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
WHERE task.close_date IS NULL;

COMMENT ON VIEW pyrus_report.overdue_tasks IS
    'Which open tasks are past their due day, by how much, and in whose hands? One row an open task whose due day has '
    'passed.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.responsible_id IS 'Who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.responsible IS 'Name of who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.author_id IS 'Who created it.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.author IS 'Name of who created it.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.asap IS 'Whether it is marked as to be done as soon as possible.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.create_date IS 'When it was created.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.due_date IS 'Day by which it is to be done.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.days_overdue IS 'Days since the due day.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.overdue_by IS 'How late it is in four bands, which sort by their number.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.first_due_date IS
    'The first due day that a note set, else due_date. Where the task was created with one that no note tells, this is '
    'the one that it was first moved to.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.postponed_count IS
    'How often a note moved the due day to a later one than the note before it that set one.';
COMMENT ON COLUMN pyrus_report.overdue_tasks.link IS 'Where people open it.';
