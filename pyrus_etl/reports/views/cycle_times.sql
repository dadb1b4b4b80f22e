-- LEFT JOIN LATERAL … ON true: a query that selects none of its columns does not pay for it. Few tasks are ever
-- reopened; for the others, the open time is computed without reading their state changes.
CREATE OR REPLACE VIEW pyrus_report.cycle_times AS
SELECT task_id, task.text, task.form_id, task.form, task.project_id, task.project,
       task.author_id, author.name AS author, task.responsible_id, responsible.name AS responsible,
       task.create_date, first_action_at, first_decision_at, first_approved_at, last_approved_at,
       coalesce(first_close_date, task.close_date) AS first_close_date, task.close_date,
       CASE WHEN task.has_detail THEN reopen_count END AS reopen_count,
       round(extract(epoch FROM first_action_at - task.create_date) / 3600, 2) AS first_action_hours,
       round(extract(epoch FROM first_approved_at - first_action_at) / 3600, 2) AS first_approved_hours,
       round(extract(epoch FROM last_approved_at - first_approved_at) / 3600, 2) AS last_approved_hours,
       round(extract(epoch FROM task.close_date - coalesce(last_approved_at, first_action_at, task.create_date)) / 3600,
             2) AS closing_hours,
       round(extract(epoch FROM task.close_date - task.create_date) / 3600, 2) AS cycle_hours,
       round(open_seconds / 3600, 2) AS open_hours,
       round(CASE WHEN open_seconds IS NOT NULL THEN waiting_seconds END / 3600, 2) AS waiting_hours,
       round(waiting_seconds / nullif(open_seconds, 0), 4) AS waiting_share, task.has_detail,
       round((worked.until_first_action - worked.until_created) / 3600, 2) AS first_action_worked_hours,
       round(CASE WHEN task.close_date IS NOT NULL THEN worked.until_ended - worked.until_created END / 3600, 2)
           AS cycle_worked_hours,
       round(CASE WHEN open_seconds IS NOT NULL THEN coalesce(
           state.worked_seconds + CASE WHEN task.is_closed THEN 0 ELSE worked.until_ended END,
           worked.until_ended - worked.until_created
       ) END / 3600, 2) AS open_worked_hours,
       round(CASE WHEN open_seconds IS NOT NULL THEN waiting_worked_seconds END / 3600, 2) AS waiting_worked_hours
FROM pyrus_report.current_tasks AS task
LEFT JOIN pyrus_report.person_names AS author ON author.person_id = task.author_id
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
LEFT JOIN LATERAL (
    -- The note that closes a task may be dated a moment later than the task says that it was closed.
    SELECT min(least(create_date, task.close_date))
               FILTER (WHERE coalesce(author_id, user_id) <> task.author_id OR choice IS NOT NULL) AS first_action_at,
           min(least(create_date, task.close_date)) FILTER (WHERE choice IS NOT NULL) AS first_decision_at,
           min(least(create_date, task.close_date)) FILTER (WHERE choice = 'Approved') AS first_approved_at,
           max(least(create_date, task.close_date)) FILTER (WHERE choice = 'Approved') AS last_approved_at,
           coalesce(bool_or(activity_action = 'Reopen'), false) AS reopened
    FROM pyrus.notes AS note
    CROSS JOIN LATERAL (SELECT CASE WHEN approval_choice IN ('Approved', 'Rejected', 'Acknowledged') THEN approval_choice END AS choice)
        AS decision
    WHERE note.task_id = task.task_id
      AND (task.close_date IS NULL OR create_date <= task.close_date OR activity_action IS NOT NULL)
) AS milestone ON true
LEFT JOIN LATERAL (
    SELECT min(changed_at) FILTER (WHERE change = 'closed') AS first_close_date,
           count(*) FILTER (WHERE change = 'reopened') AS reopen_count,
           sum(CASE change WHEN 'closed' THEN 1 ELSE -1 END * extract(epoch FROM changed_at)) AS seconds,
           sum(CASE change WHEN 'closed' THEN 1 ELSE -1 END * {worked until changed_at}) AS worked_seconds
    FROM pyrus_report.state_changes WHERE state_changes.task_id = task.task_id AND reopened
) AS state ON true
CROSS JOIN LATERAL (SELECT CASE WHEN task.is_closed THEN task.close_date ELSE (SELECT now FROM pyrus_report.clock) END AS ended_at) AS ending
CROSS JOIN LATERAL (
    -- unknown until the notes are read, and if a closed task has no close_date
    SELECT CASE WHEN task.has_detail AND ended_at IS NOT NULL THEN
               coalesce(state.seconds + CASE WHEN task.is_closed THEN 0 ELSE extract(epoch FROM ended_at) END,
                        extract(epoch FROM ended_at - task.create_date)) END AS open_seconds
) AS stay
LEFT JOIN LATERAL (
    SELECT coalesce(sum(extract(epoch FROM until - since)) FILTER (WHERE pending > 0 AND NOT is_closed), 0)
               AS waiting_seconds,
           coalesce(sum({worked until until} - {worked until since}) FILTER (WHERE pending > 0 AND NOT is_closed), 0)
               AS waiting_worked_seconds
    FROM (
        -- The number of pending approvers is known for the present; from there it is counted backwards, event by event.
        -- Events dated after the end count as at the end, because the note that closes a task may be dated later.
        SELECT since, lead(since, 1, ended_at) OVER line AS until,
               (SELECT count(*) FROM pyrus.approvals AS approval
                WHERE approval.task_id = task.task_id AND choice IN ('Waiting', 'Revoked'))
                   - coalesce(sum(asked) OVER (line ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 0) AS pending,
               -- The last action so far: odd if it closes the task.
               coalesce(max(action) OVER line, 0) % 2 = 1 AS is_closed
        FROM (
            SELECT 0 AS note_no, task.create_date AS since, 0 AS asked, NULL::int AS action
          UNION ALL
            SELECT note_no, least(create_date, ended_at), 0,
                   CASE WHEN activity_action IN ('Complete', 'MarkAsDuplicate', 'MarkAsIrrelevant') THEN 2 * note_no + 1
                        WHEN activity_action = 'Reopen' THEN 2 * note_no END
            FROM pyrus.notes AS note
            WHERE note.task_id = task.task_id AND create_date IS NOT NULL AND activity_action IS NOT NULL
          UNION ALL
            -- Deciding twice, or being asked while already asked, changes nothing. But an approver in several steps is
            -- asked and decides in each.
            SELECT note_no, least(create_date, ended_at),
                   CASE WHEN steps > 1 THEN 2 * is_asked - 1 ELSE is_asked - before END, NULL
            FROM (
                SELECT *, count(*) FILTER (WHERE note_no IS NULL) OVER (PARTITION BY person_id) AS steps,
                       lag(is_asked, 1, was_asked) OVER (PARTITION BY person_id ORDER BY note_no, is_asked) AS before
                FROM (
                    SELECT note_no, create_date, author_id AS person_id, (approval_choice = 'Revoked')::int AS is_asked,
                           (approval_choice <> 'Revoked')::int AS was_asked  -- if no earlier note says
                    FROM pyrus.notes AS note
                    WHERE note.task_id = task.task_id AND create_date IS NOT NULL
                      AND approval_choice IN ('Approved', 'Rejected', 'Revoked', 'Acknowledged')
                  UNION ALL
                    SELECT note_no, create_date, person_id, (change <> 'removed')::int, (change <> 'added')::int
                    FROM pyrus.note_approvals AS asking
                    WHERE asking.task_id = task.task_id AND create_date IS NOT NULL
                  UNION ALL  -- the steps of each approver: they have no note, so they sort last
                    SELECT NULL, NULL, person_id, NULL, NULL FROM pyrus.approvals AS approval
                    WHERE approval.task_id = task.task_id AND person_id IS NOT NULL
                ) AS request
            ) AS request
            WHERE note_no IS NOT NULL
        ) AS event
        WHERE EXISTS (SELECT FROM pyrus.approvals AS approval WHERE approval.task_id = task.task_id)
        WINDOW line AS (ORDER BY note_no)
    ) AS period
) AS waiting ON true
LEFT JOIN LATERAL (
    -- OFFSET 0: each is looked up once for all columns, and not at all if none of them is selected
    SELECT {worked until task.create_date} AS until_created, {worked until first_action_at} AS until_first_action,
           {worked until ended_at} AS until_ended
    OFFSET 0
) AS worked ON true
WHERE task.create_date IS NOT NULL;

COMMENT ON VIEW pyrus_report.cycle_times IS
    'How long does a task take from creation through the first action and the approvals to closing, and how much of '
    'that is waiting for a decision? One row per task, open or closed. The periods first_action, first_approved, '
    'last_approved and closing follow one another and add up to cycle_hours. Events after the last closing are '
    'ignored. While the notes of a task have not been read (see has_detail), what depends on them is null.';
COMMENT ON COLUMN pyrus_report.cycle_times.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.cycle_times.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.cycle_times.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.cycle_times.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.cycle_times.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.cycle_times.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.cycle_times.author_id IS 'Id of the person who created the task.';
COMMENT ON COLUMN pyrus_report.cycle_times.author IS 'Name of the person who created the task.';
COMMENT ON COLUMN pyrus_report.cycle_times.responsible_id IS
    'Id of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.cycle_times.responsible IS
    'Name of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.cycle_times.create_date IS 'When the task was created.';
COMMENT ON COLUMN pyrus_report.cycle_times.first_action_at IS
    'When somebody first acted: the first note by anyone except the author, or the first decision by anyone. Null if '
    'nobody acted.';
COMMENT ON COLUMN pyrus_report.cycle_times.first_decision_at IS 'When anybody first approved, rejected or acknowledged the task.';
COMMENT ON COLUMN pyrus_report.cycle_times.first_approved_at IS 'When the task was first approved.';
COMMENT ON COLUMN pyrus_report.cycle_times.last_approved_at IS
    'When the task was last approved; the same as first_approved_at if there was only one approval.';
COMMENT ON COLUMN pyrus_report.cycle_times.first_close_date IS 'When the task was first closed.';
COMMENT ON COLUMN pyrus_report.cycle_times.close_date IS
    'When the task was last closed; null while it is open, and while the time of closing is not known.';
COMMENT ON COLUMN pyrus_report.cycle_times.reopen_count IS 'How often the task was reopened.';
COMMENT ON COLUMN pyrus_report.cycle_times.first_action_hours IS 'Hours from creation to the first action.';
COMMENT ON COLUMN pyrus_report.cycle_times.first_approved_hours IS 'Hours from the first action to the first approval.';
COMMENT ON COLUMN pyrus_report.cycle_times.last_approved_hours IS 'Hours from the first approval to the last.';
COMMENT ON COLUMN pyrus_report.cycle_times.closing_hours IS
    'Hours from the last approval to the last closing; without an approval, from the first action; without either, '
    'from creation.';
COMMENT ON COLUMN pyrus_report.cycle_times.cycle_hours IS 'Hours from creation to the last closing.';
COMMENT ON COLUMN pyrus_report.cycle_times.open_hours IS
    'Hours during which the task was open, up to the last closing or to now; excludes time between a closing and a '
    'reopening.';
COMMENT ON COLUMN pyrus_report.cycle_times.waiting_hours IS
    'The part of open_hours in which any approver, in any step, still had to decide or had revoked the approval. If '
    'the first note about an approver removes or re-requests them, they are counted as waiting before it.';
COMMENT ON COLUMN pyrus_report.cycle_times.waiting_share IS 'waiting_hours as a share of open_hours, from 0 to 1.';
COMMENT ON COLUMN pyrus_report.cycle_times.has_detail IS
    'Whether the whole task has been read, including its notes and approvals.';
COMMENT ON COLUMN pyrus_report.cycle_times.first_action_worked_hours IS
    'Working hours from creation to the first action, by the tables working_hours and holidays; every hour while these '
    'are empty.';
COMMENT ON COLUMN pyrus_report.cycle_times.cycle_worked_hours IS 'Working hours from creation to the last closing.';
COMMENT ON COLUMN pyrus_report.cycle_times.open_worked_hours IS 'Working hours during which the task was open, as open_hours.';
COMMENT ON COLUMN pyrus_report.cycle_times.waiting_worked_hours IS
    'Working hours during which an approver still had to decide, as waiting_hours.';
