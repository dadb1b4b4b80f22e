-- Window functions over sorted rows: a task with a thousand approvals costs no more than a thousand tasks with one.
-- Form and project are part of every window, so that a filter on them is pushed down and no other rows are numbered.
CREATE OR REPLACE VIEW pyrus_report.approval_steps AS
WITH request AS (  -- the approvers of a task now, and those whom its notes add, re-request or remove
    SELECT task_id, form_id, main_project_id AS project_id, person_id, step_no, choice, note_no, change,
           request.create_date, max(choice) OVER in_step AS present_choice,
           coalesce(bool_or(change <> 'removed') OVER in_step, false) AS is_asked
    FROM pyrus.tasks JOIN (
        SELECT task_id, person_id, step_no, choice, NULL::integer AS note_no, NULL AS change,
               NULL::timestamptz AS create_date
        FROM pyrus.approvals
      UNION ALL
        SELECT task_id, person_id,
               CASE WHEN told_step BETWEEN 1 AND 9999 THEN told_step::integer ELSE step_no END, NULL, note_no, change, create_date
        FROM pyrus.note_approvals
    ) AS request USING (task_id)
    WINDOW in_step AS (PARTITION BY task_id, form_id, main_project_id, person_id, step_no)
), numbered AS (
    -- Notes often number their steps from 1. Then the step meant is the approver's step that no other note mentions.
    SELECT *, change <> 'removed' AND present_choice IS NULL AS is_misnumbered,
           first_value(CASE WHEN note_no IS NULL THEN step_no END) OVER free_first AS free_step,
           first_value(present_choice) OVER free_first AS free_choice,
           coalesce(bool_or(change <> 'removed' AND present_choice IS NULL) OVER of_person, false) AS has_misnumbered,
           min(step_no) FILTER (WHERE change <> 'removed' AND present_choice IS NULL) OVER in_note AS misnumbered_step,
           min(note_no) OVER of_person AS first_note_no, min(create_date) OVER of_person AS first_at,
           min(create_date) OVER (of_person ORDER BY note_no DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
               AS next_at
    FROM request
    WINDOW of_person AS (PARTITION BY task_id, form_id, project_id, person_id),
           in_note AS (PARTITION BY task_id, form_id, project_id, person_id, note_no),
           free_first AS (of_person ORDER BY note_no IS NOT NULL, is_asked AND person_id IS NOT NULL, step_no)
), asked AS (  -- an approver who is twice in a step has to decide both: max() returns Waiting as long as one waits
    SELECT task_id, form_id, project_id, person_id, asked.note_no, asked.step_no, max(asked.choice) AS choice,
           max(asked.at) AS asked_at, min(asked.next_at) AS next_at
    FROM numbered
    CROSS JOIN LATERAL (
        SELECT note_no, CASE WHEN is_misnumbered THEN coalesce(free_step, step_no) ELSE step_no END AS step_no,
               CASE WHEN is_misnumbered THEN free_choice ELSE present_choice END AS choice, create_date AS at, next_at
        WHERE change <> 'removed'
      UNION ALL  -- approvers of the task whom no note asks were asked when the task was created
        SELECT 0, step_no, choice, NULL, first_at
        WHERE note_no IS NULL AND NOT is_asked AND NOT (has_misnumbered AND step_no = free_step)
      UNION ALL  -- also asked at creation: approvers whose first note re-requests or removes them
        SELECT 0, CASE WHEN person_id IS NULL OR misnumbered_step IS NULL THEN step_no
                       ELSE coalesce(free_step, misnumbered_step) END, NULL, NULL, first_at
        WHERE change <> 'added' AND note_no = first_note_no
    ) AS asked
    GROUP BY task_id, form_id, project_id, person_id, asked.note_no, asked.step_no
), line AS (  -- a round lasts until the same person is asked again
    SELECT *, max(round_since) OVER (PARTITION BY task_id, form_id, project_id, person_id ORDER BY note_no) AS since_no
    FROM (
        SELECT *, note_no AS round_since, row_number() OVER in_step AS round_no,
               lead(note_no) OVER in_step IS NULL AS is_last, row_number() OVER in_note AS place,
               NULL AS answer, NULL::timestamptz AS answered_at
        FROM asked
        WINDOW in_step AS (PARTITION BY task_id, form_id, project_id, person_id, step_no ORDER BY note_no),
               in_note AS (PARTITION BY task_id, form_id, project_id, person_id, note_no ORDER BY step_no)
      UNION ALL
        SELECT task_id, form_id, main_project_id, note.author_id, note_no, NULL, NULL, NULL, NULL,
               NULL, NULL, NULL, NULL, approval_choice, note.create_date
        FROM pyrus.tasks JOIN pyrus.notes AS note USING (task_id)
        WHERE approval_choice IN ('Approved', 'Rejected', 'Revoked', 'Acknowledged') AND note.author_id IS NOT NULL
    ) AS happened
), placed AS (  -- an approver asked in several steps at once answers them in order; the last step gets the rest
    SELECT *, coalesce(place, least(count(answer) OVER (in_round ORDER BY note_no), max(place) OVER in_round)) AS step_place
    FROM line WHERE since_no IS NOT NULL
    WINDOW in_round AS (PARTITION BY task_id, form_id, project_id, person_id, since_no)
), round AS (
    SELECT task_id, form_id, project_id, person_id, step_no, round_no, asked_at, next_at, decision,
           coalesce(answer_no, 2147483647) AS before_no,
           CASE WHEN decision <> 'Waiting' THEN first_at END AS decided_at, last_at
    FROM (
        SELECT task_id, form_id, project_id, person_id, max(step_no) AS step_no, max(round_no) AS round_no,
               max(asked_at) AS asked_at, max(next_at) AS next_at, bool_or(is_last) AS is_last, max(choice) AS choice,
               min(note_no) FILTER (WHERE answer IS NOT NULL) AS answer_no,
               min(answered_at) AS first_at, max(answered_at) AS last_at,
               (array_agg(answer ORDER BY note_no DESC) FILTER (WHERE answer IS NOT NULL))[1] AS last_answer
        FROM placed GROUP BY task_id, form_id, project_id, person_id, since_no, step_place
    ) AS answered
    CROSS JOIN LATERAL (
        SELECT CASE WHEN is_last THEN coalesce(choice, last_answer, 'Removed') ELSE last_answer END AS decision
    ) AS latest
), of_task AS (  -- grouped by task, so that the choices in its earlier steps are looked up once
    SELECT task_id, form_id, project_id, array_agg(round) AS rounds,
           CASE WHEN max(step_no) > 1 THEN (
               SELECT min(step_no) FROM pyrus.approvals
               WHERE approvals.task_id = round.task_id AND approvals.choice = 'Waiting'
           ) END AS waiting_step,
           CASE WHEN max(step_no) > 1 THEN (SELECT array_agg(chosen) FROM (
               -- when an approver had chosen, as of a note until a later note changes it: in one step, and in several
               SELECT first_step, second_step, note_no AS after_no,
                      coalesce(lead(note_no) OVER in_order, 2147483647) AS until_no, first_at, last_at
               FROM (
                   SELECT *, lag(first_at) OVER in_order IS DISTINCT FROM first_at
                          OR lag(last_at) OVER in_order IS DISTINCT FROM last_at AS is_change
                   FROM (
                       -- of several choices in one step, the first since the approver was asked again
                       SELECT *, min(step_no) FILTER (WHERE step_no > first_step) OVER of_person AS second_step,
                              max(at) OVER in_order AS last_at,
                              CASE WHEN count(*) FILTER (WHERE kind = 'choice') OVER in_order = 1
                                   THEN max(at) OVER in_order
                                   ELSE min(at) OVER (PARTITION BY person_id, again_no ORDER BY note_no) END AS first_at
                       FROM (
                           SELECT *, min(step_no) OVER of_person AS first_step,
                                  max(note_no) FILTER (WHERE kind = 'again') OVER in_order AS again_no
                           FROM (
                               SELECT 'step' AS kind, person_id, step_no, NULL::integer AS note_no,
                                      NULL::timestamptz AS at
                               FROM pyrus.approvals WHERE approvals.task_id = round.task_id
                             UNION ALL
                               SELECT 'choice', author_id, NULL, note_no, create_date FROM pyrus.notes
                               WHERE notes.task_id = round.task_id
                                 AND approval_choice IN ('Approved', 'Rejected', 'Revoked', 'Acknowledged')
                             UNION ALL
                               SELECT 'again', person_id, NULL, note_no, NULL FROM pyrus.note_approvals AS again
                               WHERE again.task_id = round.task_id AND change = 'rerequested'
                           ) AS happened
                           WHERE person_id IS NOT NULL
                           WINDOW of_person AS (PARTITION BY person_id), in_order AS (of_person ORDER BY note_no)
                       ) AS known
                       WINDOW of_person AS (PARTITION BY person_id), in_order AS (of_person ORDER BY note_no)
                   ) AS valued
                   WHERE first_step IS NOT NULL AND note_no IS NOT NULL
                   WINDOW in_order AS (PARTITION BY person_id ORDER BY note_no)
               ) AS changed
               WHERE is_change WINDOW in_order AS (PARTITION BY person_id ORDER BY note_no)
           ) AS chosen) END AS choices
    FROM round GROUP BY task_id, form_id, project_id
)
SELECT task.task_id, of_task.form_id, task.form, of_task.project_id, task.project, task.state,
       round.step_no, round.round_no, round.person_id, person.name AS person,
       round.decision, coalesce(round.asked_at, task.create_date) AS asked_at,
       turn.at AS turn_at, round.decided_at,
       CASE WHEN round.last_at > round.decided_at THEN round.last_at END AS changed_at,
       round((extract(epoch FROM ending.at - turn.at) / 3600)::numeric, 2) AS waited_hours, step.name AS step,
       round(({worked until ending.at} - {worked until turn.at}) / 3600, 2) AS waited_worked_hours
FROM pyrus_report.current_tasks AS task
CROSS JOIN pyrus_report.clock
JOIN of_task USING (task_id)
CROSS JOIN LATERAL unnest(of_task.rounds) AS round (
    task_id bigint, form_id bigint, project_id bigint, person_id bigint, step_no integer, round_no bigint,
    asked_at timestamptz, next_at timestamptz, decision text, before_no integer, decided_at timestamptz,
    last_at timestamptz
)
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = round.person_id
LEFT JOIN pyrus.form_steps AS step ON (step.form_id, step.step_no) = (of_task.form_id, round.step_no)
CROSS JOIN LATERAL (  -- an approver's turn comes when all earlier steps have decided
    SELECT CASE WHEN round.decision IS DISTINCT FROM 'Waiting' OR of_task.waiting_step IS NULL
                     OR of_task.waiting_step >= round.step_no
                THEN greatest(coalesce(round.asked_at, task.create_date), CASE WHEN round.step_no > 1 THEN (
                    SELECT max(CASE WHEN second_step < round.step_no THEN chosen.last_at ELSE chosen.first_at END)
                    FROM unnest(of_task.choices) AS chosen (
                        first_step integer, second_step integer, after_no integer, until_no integer,
                        first_at timestamptz, last_at timestamptz
                    )
                    WHERE first_step < round.step_no AND after_no < round.before_no AND round.before_no <= until_no
                ) END) END AS at
    OFFSET 0  -- computed once, although it is used several times
) AS turn
CROSS JOIN LATERAL (
    SELECT coalesce(
        round.decided_at,
        -- without an answer, the round ends when the approver is removed or asked again
        CASE WHEN round.person_id IS NOT NULL AND round.decision IS DISTINCT FROM 'Waiting' THEN round.next_at END,
        greatest(task.close_date, CASE WHEN task.state = 'closed' THEN turn.at END), clock.now
    ) AS at
) AS ending;

COMMENT ON VIEW pyrus_report.approval_steps IS
    'Who was asked to approve what, what did they decide, and how long did they take? One row per approver, step and '
    'round; asking an approver again starts a new round.';
COMMENT ON COLUMN pyrus_report.approval_steps.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.approval_steps.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.approval_steps.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.approval_steps.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.approval_steps.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.approval_steps.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.approval_steps.step_no IS 'Number of the approval step, from 1.';
COMMENT ON COLUMN pyrus_report.approval_steps.round_no IS
    '1 for the first time that they were asked in this step, 2 for the second, and so on.';
COMMENT ON COLUMN pyrus_report.approval_steps.person_id IS 'Id of the approver.';
COMMENT ON COLUMN pyrus_report.approval_steps.person IS 'Name of the approver.';
COMMENT ON COLUMN pyrus_report.approval_steps.decision IS
    'The last decision in the round: Approved, Rejected, Revoked or Acknowledged; Waiting; Removed if the approver was removed '
    'before deciding. Null if the approver was asked again before deciding.';
COMMENT ON COLUMN pyrus_report.approval_steps.asked_at IS
    'When the approver was asked: the date of the note, or of the task''s creation if no note asked.';
COMMENT ON COLUMN pyrus_report.approval_steps.turn_at IS
    'When all earlier steps had decided and it was the approver''s turn; null until then. Uses the current steps: '
    'approvers removed from a step are ignored.';
COMMENT ON COLUMN pyrus_report.approval_steps.decided_at IS 'When the approver first decided in this round.';
COMMENT ON COLUMN pyrus_report.approval_steps.changed_at IS
    'When the approver changed the decision in the same round, e.g. revoked an approval.';
COMMENT ON COLUMN pyrus_report.approval_steps.waited_hours IS
    'Hours from turn_at to the decision, the approver''s removal, the closing of the task, or now.';
COMMENT ON COLUMN pyrus_report.approval_steps.step IS
    'Name of the approval step; null if the form gives its steps no names, and through API v3.';
COMMENT ON COLUMN pyrus_report.approval_steps.waited_worked_hours IS
    'Working hours in waited_hours, by the tables working_hours and holidays; every hour while these are empty.';
