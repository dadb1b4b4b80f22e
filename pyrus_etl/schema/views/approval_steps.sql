CREATE OR REPLACE VIEW pyrus_report.approval_steps AS
WITH misnumbered AS NOT MATERIALIZED (
    -- a note often numbers its steps from 1: then it means the approver's step that no other note names
    SELECT ask.task_id, ask.note_no, ask.person_id, coalesce(other.step_no, ask.step_no) AS step_no, other.choice,
           ask.create_date
    FROM pyrus.note_approvals AS ask
    LEFT JOIN LATERAL (
        SELECT present.step_no, max(present.choice) OVER (PARTITION BY present.step_no) AS choice
        FROM pyrus.approvals AS present
        LEFT JOIN pyrus.note_approvals AS same
            ON (same.task_id, same.person_id, same.step_no) = (present.task_id, present.person_id, present.step_no)
           AND same.change <> 'removed'
        WHERE present.task_id = ask.task_id AND present.person_id IS NOT DISTINCT FROM ask.person_id
        ORDER BY present.step_no <> ask.step_no, same.step_no IS NOT NULL, present.step_no LIMIT 1
    ) AS other ON true
    WHERE ask.change <> 'removed' AND NOT EXISTS (
        SELECT FROM pyrus.approvals AS present
        WHERE (present.task_id, present.person_id, present.step_no) = (ask.task_id, ask.person_id, ask.step_no)
    )
), asked AS (  -- named twice in a step, one still has to choose until both are chosen: Waiting is the last word
    SELECT task_id, form_id, main_project_id AS project_id, note_no, person_id, step_no, max(choice) AS choice,
           max(told.create_date) AS asked_at
    FROM (  -- who stands in the task's approvals and was asked by no note was asked when the task was created
        SELECT present.task_id, coalesce(ask.note_no, 0) AS note_no, present.person_id, present.step_no, choice,
               ask.create_date
        FROM pyrus.approvals AS present
        LEFT JOIN pyrus.note_approvals AS ask
            ON (ask.task_id, ask.person_id, ask.step_no) = (present.task_id, present.person_id, present.step_no)
           AND ask.change <> 'removed'
        WHERE ask.note_no IS NOT NULL OR NOT EXISTS (
            SELECT FROM misnumbered AS other
            WHERE (other.task_id, other.step_no) = (present.task_id, present.step_no)
              AND other.person_id IS NOT DISTINCT FROM present.person_id
        )
      UNION ALL
        SELECT task_id, note_no, person_id, step_no, choice, create_date FROM misnumbered
      UNION ALL  -- as was whom the first note that names them asks again, or takes out
        SELECT ask.task_id, 0, ask.person_id, coalesce(meant.step_no, ask.step_no), NULL, NULL
        FROM pyrus.note_approvals AS ask
        LEFT JOIN LATERAL (
            SELECT step_no FROM misnumbered AS other
            WHERE (other.task_id, other.note_no, other.person_id) = (ask.task_id, ask.note_no, ask.person_id) LIMIT 1
        ) AS meant ON true
        WHERE ask.change <> 'added' AND NOT EXISTS (
            SELECT FROM pyrus.note_approvals AS earlier
            WHERE earlier.task_id = ask.task_id AND earlier.note_no < ask.note_no
              AND earlier.person_id IS NOT DISTINCT FROM ask.person_id
        )
    ) AS told
    JOIN pyrus.tasks USING (task_id)
    GROUP BY task_id, form_id, project_id, note_no, person_id, step_no
), round AS (  -- a round lasts until the same person is asked again
    SELECT task_id, form_id, project_id, note_no, person_id, step_no, choice, asked_at,
           row_number() OVER in_step AS round_no, lead(note_no) OVER in_step IS NULL AS is_last,
           row_number() OVER in_note AS place, lead(step_no) OVER in_note IS NULL AS is_last_place,
           min(note_no) OVER (of_person ORDER BY note_no GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next_no
    FROM asked
    -- form and project, so that who asks for one of them has no others numbered
    WINDOW of_person AS (PARTITION BY task_id, form_id, project_id, person_id),
           in_step AS (PARTITION BY task_id, form_id, project_id, person_id, step_no ORDER BY note_no),
           in_note AS (PARTITION BY task_id, form_id, project_id, person_id, note_no ORDER BY step_no)
)
SELECT task.task_id, round.form_id, task.form, round.project_id, task.project, task.state,
       round.step_no, round.round_no, round.person_id, person.name AS person,
       stood.decision, coalesce(round.asked_at, task.create_date) AS asked_at,
       turn.at AS turn_at, stood.decided_at,
       CASE WHEN answer.last_at > stood.decided_at THEN answer.last_at END AS changed_at,
       round((extract(epoch FROM coalesce(
           stood.decided_at, ended.at, greatest(task.close_date, CASE WHEN task.state = 'closed' THEN turn.at END),
           clock.now
       ) - turn.at) / 3600)::numeric, 2) AS waited_hours
FROM pyrus_report.current_tasks AS task
CROSS JOIN pyrus_report.clock
JOIN round USING (task_id)
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = round.person_id
LEFT JOIN LATERAL (  -- asked in several steps at once, one answers them in their order
    SELECT min(note_no) AS note_no, min(create_date) AS first_at, max(create_date) AS last_at,
           (array_agg(approval_choice ORDER BY note_no DESC))[1] AS choice
    FROM (
        SELECT note_no, create_date, approval_choice, row_number() OVER (ORDER BY note_no) AS answer_no
        FROM pyrus.notes AS note
        WHERE (note.task_id, note.author_id) = (round.task_id, round.person_id)
          AND note.note_no >= round.note_no AND note.note_no < coalesce(round.next_no, 2147483647)
          AND approval_choice IN ('Approved', 'Rejected', 'Revoked')
    ) AS given
    WHERE answer_no = round.place OR (round.is_last_place AND answer_no > round.place)
) AS answer ON true
CROSS JOIN LATERAL (
    SELECT decision, CASE WHEN decision <> 'Waiting' THEN answer.first_at END AS decided_at
    FROM (SELECT CASE WHEN NOT round.is_last THEN answer.choice
                      ELSE coalesce(round.choice, answer.choice, 'Removed') END AS decision) AS found
) AS stood
LEFT JOIN LATERAL (  -- without an answer the round ends when they are removed or asked anew
    SELECT min(other.create_date) AS at
    FROM pyrus.note_approvals AS other
    WHERE (other.task_id, other.person_id) = (round.task_id, round.person_id) AND other.note_no > round.note_no
      AND stood.decided_at IS NULL AND stood.decision IS DISTINCT FROM 'Waiting'
) AS ended ON true
CROSS JOIN LATERAL (  -- their turn comes when all steps below have chosen
    SELECT CASE WHEN stood.decision IS DISTINCT FROM 'Waiting' OR NOT coalesce(bool_or(below.choice = 'Waiting'), false)
                THEN greatest(coalesce(round.asked_at, task.create_date), max(chosen_at)) END AS at
    FROM (
        SELECT max(below.choice) AS choice,
               CASE WHEN min(choice.note_no) = max(choice.note_no) OR min(below.step_no) < max(below.step_no)
                    THEN max(choice.create_date)
                    ELSE (  -- of several choices in one step the first since they were asked again
                        SELECT min(first.create_date) FROM pyrus.notes AS first
                        WHERE (first.task_id, first.author_id) = (round.task_id, below.person_id)
                          AND first.approval_choice IN ('Approved', 'Rejected', 'Revoked')
                          AND first.note_no < coalesce(answer.note_no, 2147483647) AND NOT EXISTS (
                              SELECT FROM pyrus.note_approvals AS again
                              WHERE (again.task_id, again.person_id) = (first.task_id, first.author_id)
                                AND again.note_no > first.note_no AND again.change = 'rerequested'
                                AND again.note_no < coalesce(answer.note_no, 2147483647)
                          )
                    ) END AS chosen_at
        FROM pyrus.approvals AS below
        LEFT JOIN pyrus.notes AS choice
            ON (choice.task_id, choice.author_id) = (below.task_id, below.person_id)
           AND choice.approval_choice IN ('Approved', 'Rejected', 'Revoked')
           AND choice.note_no < coalesce(answer.note_no, 2147483647)
        WHERE below.task_id = round.task_id AND below.step_no < round.step_no
          AND round.step_no > 1  -- follows from that, and saves the look below the first
        GROUP BY below.person_id
    ) AS below
) AS turn;

COMMENT ON VIEW pyrus_report.approval_steps IS
    'Who was asked to approve what, what did they say, and how long did they take? One row an approver, a step and a '
    'round; who is asked again opens a new round.';
COMMENT ON COLUMN pyrus_report.approval_steps.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.approval_steps.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.approval_steps.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.approval_steps.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.approval_steps.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.approval_steps.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.approval_steps.step_no IS 'Approval step, from 1.';
COMMENT ON COLUMN pyrus_report.approval_steps.round_no IS
    '1 for the first time that they were asked in this step, 2 when they were asked again, and so on.';
COMMENT ON COLUMN pyrus_report.approval_steps.person_id IS 'The approver.';
COMMENT ON COLUMN pyrus_report.approval_steps.person IS 'Name of the approver.';
COMMENT ON COLUMN pyrus_report.approval_steps.decision IS
    'Approved, Rejected or Revoked, as it stood last in the round; Waiting; Removed where they were taken out '
    'before they chose. Null where they were asked again before they chose.';
COMMENT ON COLUMN pyrus_report.approval_steps.asked_at IS
    'When they were asked: by a note, else when the task was created.';
COMMENT ON COLUMN pyrus_report.approval_steps.turn_at IS
    'When the steps below had chosen and it was their turn; null where it has not come yet. The steps are taken as they '
    'stand now: who was taken out of one is not thought of.';
COMMENT ON COLUMN pyrus_report.approval_steps.decided_at IS 'When they first chose in this round.';
COMMENT ON COLUMN pyrus_report.approval_steps.changed_at IS
    'When they chose anew in the same round, as who takes an approval back does.';
COMMENT ON COLUMN pyrus_report.approval_steps.waited_hours IS
    'Hours from their turn to their choice, or to their removal, the close of the task, or now.';
