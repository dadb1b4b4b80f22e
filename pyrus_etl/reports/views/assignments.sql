CREATE OR REPLACE VIEW pyrus_report.assignments AS
SELECT task.task_id, task.form_id, task.form, task.project_id, task.project, task.state,
       held.handoff_no, held.person_id, person.name AS person, held.given_by_id, giver.name AS given_by,
       held.from_at, ended.until_at, held.is_last AND NOT task.is_closed AS is_current,
       round((extract(epoch FROM coalesce(
           ended.until_at, CASE WHEN held.is_last AND NOT task.is_closed THEN clock.now END
       ) - held.from_at) / 3600)::numeric, 2) AS held_hours,
       held.is_pingpong
FROM pyrus_report.current_tasks AS task
CROSS JOIN pyrus_report.clock
JOIN (
    SELECT task_id, person_id, given_by_id, from_at,
           row_number() OVER so_far - 1 AS handoff_no, lead(from_at) OVER so_far AS next_from_at,
           lead(note_no) OVER so_far IS NULL AS is_last,
           row_number() OVER (PARTITION BY task_id, person_id ORDER BY note_no) > 1 AS is_pingpong
    FROM (
        SELECT task_id, note_no, create_date AS from_at, reassigned_to_id AS person_id, author_id AS given_by_id,
               lag(reassigned_to_id) OVER (PARTITION BY task_id ORDER BY note_no) AS before_id
        FROM pyrus.notes WHERE reassigned_to_id IS NOT NULL
      UNION ALL
        SELECT task_id, 0, create_date, responsible_id, author_id, NULL
        FROM pyrus.tasks WHERE responsible_id IS NOT NULL AND detail_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM pyrus.notes WHERE notes.task_id = tasks.task_id AND reassigned_to_id IS NOT NULL
        )
    ) AS assigned
    WHERE person_id IS DISTINCT FROM before_id  -- assigning it to the same person again starts no new period
    WINDOW so_far AS (PARTITION BY task_id ORDER BY note_no)
) AS held USING (task_id)
CROSS JOIN LATERAL (
    SELECT CASE WHEN NOT held.is_last THEN held.next_from_at
                WHEN task.close_date IS NOT NULL THEN greatest(task.close_date, held.from_at) END AS until_at
) AS ended
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = held.person_id
LEFT JOIN pyrus_report.person_names AS giver ON giver.person_id = held.given_by_id;

COMMENT ON VIEW pyrus_report.assignments IS
    'Who was responsible for a task, from when to when? One row per period in which one person was responsible. The '
    'notes name the first person responsible; if no note names any, it is the person in the task itself. '
    'Tasks whose notes have not been read yet have no rows.';
COMMENT ON COLUMN pyrus_report.assignments.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.assignments.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.assignments.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.assignments.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.assignments.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.assignments.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.assignments.handoff_no IS
    '0 for the first known person responsible, 1 after the first handoff, and so on.';
COMMENT ON COLUMN pyrus_report.assignments.person_id IS 'Id of the person who was responsible.';
COMMENT ON COLUMN pyrus_report.assignments.person IS 'Name of the person who was responsible.';
COMMENT ON COLUMN pyrus_report.assignments.given_by_id IS 'Id of the person who assigned the task.';
COMMENT ON COLUMN pyrus_report.assignments.given_by IS 'Name of the person who assigned the task.';
COMMENT ON COLUMN pyrus_report.assignments.from_at IS 'When the period began.';
COMMENT ON COLUMN pyrus_report.assignments.until_at IS
    'When the task was reassigned or closed; null while the period lasts. Time in which the task was closed, before a '
    'reopening, counts as part of the period.';
COMMENT ON COLUMN pyrus_report.assignments.is_current IS 'Whether the person is responsible now and the task is open.';
COMMENT ON COLUMN pyrus_report.assignments.held_hours IS
    'Hours from from_at to until_at, or to now if the period is current.';
COMMENT ON COLUMN pyrus_report.assignments.is_pingpong IS
    'Whether the task returned to somebody who had been responsible before.';
