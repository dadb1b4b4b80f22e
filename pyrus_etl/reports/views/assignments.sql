CREATE OR REPLACE VIEW pyrus_report.assignments AS
SELECT task.task_id, task.form_id, task.form, task.project_id, task.project, task.state,
       held.handoff_no, held.person_id, person.name AS person, held.given_by_id, giver.name AS given_by,
       held.from_at, ended.until_at, held.is_last AND ended.until_at IS NULL AS is_current,
       round((extract(epoch FROM coalesce(ended.until_at, CASE WHEN held.is_last THEN clock.now END) - held.from_at) / 3600)::numeric, 2) AS held_hours,
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
        FROM pyrus.tasks WHERE responsible_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM pyrus.notes WHERE notes.task_id = tasks.task_id AND reassigned_to_id IS NOT NULL
        )
    ) AS given
    WHERE person_id IS DISTINCT FROM before_id  -- who has it already is no new holder
    WINDOW so_far AS (PARTITION BY task_id ORDER BY note_no)
) AS held USING (task_id)
CROSS JOIN LATERAL (
    SELECT CASE WHEN NOT held.is_last THEN held.next_from_at
                WHEN task.state = 'closed' THEN greatest(task.close_date, held.from_at) END AS until_at
) AS ended
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = held.person_id
LEFT JOIN pyrus_report.person_names AS giver ON giver.person_id = held.given_by_id;

COMMENT ON VIEW pyrus_report.assignments IS
    'Who held a task, from when to when? One row a stretch of time in which one person was responsible. The first '
    'holder is told by the notes; where no note names a responsible, it is the one that the task names.';
COMMENT ON COLUMN pyrus_report.assignments.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.assignments.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.assignments.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.assignments.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.assignments.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.assignments.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.assignments.handoff_no IS
    '0 for the first holder who is told, 1 after the first handoff, and so on.';
COMMENT ON COLUMN pyrus_report.assignments.person_id IS 'Who held it.';
COMMENT ON COLUMN pyrus_report.assignments.person IS 'Name of who held it.';
COMMENT ON COLUMN pyrus_report.assignments.given_by_id IS 'Who gave it to them.';
COMMENT ON COLUMN pyrus_report.assignments.given_by IS 'Name of who gave it to them.';
COMMENT ON COLUMN pyrus_report.assignments.from_at IS 'Since when they held it.';
COMMENT ON COLUMN pyrus_report.assignments.until_at IS
    'When the next person got it, or it was closed; null while they hold it. A task that was closed and reopened in '
    'between counts as held.';
COMMENT ON COLUMN pyrus_report.assignments.is_current IS 'Whether they hold it now, and it is open.';
COMMENT ON COLUMN pyrus_report.assignments.held_hours IS 'Hours that they held it, to now where they still do.';
COMMENT ON COLUMN pyrus_report.assignments.is_pingpong IS 'Whether it came back to somebody who had held it before.';
