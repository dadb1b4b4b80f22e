CREATE OR REPLACE VIEW pyrus_report.task_overview AS
SELECT task.task_id, task.text, task.state, task.form_id, task.form,
       task.project_id, task.project, filed.project_ids, filed.projects,
       task.author_id, author.name AS author, task.responsible_id, responsible.name AS responsible,
       task.asap, task.create_date, task.modified_date, task.due_date, task.close_date,
       round((extract(epoch FROM lasted) / 3600)::numeric, 2) AS age_hours,
       round((extract(epoch FROM lasted) / 86400)::numeric, 2) AS age_days,
       coalesce(NOT task.is_closed AND task.due_date < clock.today, false) AS is_overdue,
       CASE WHEN NOT task.is_closed AND task.due_date < clock.today THEN clock.today - task.due_date END
           AS days_overdue,
       CASE WHEN NOT task.is_closed OR task.close_date IS NOT NULL
            THEN coalesce((task.close_date AT TIME ZONE clock.time_zone)::date > task.due_date, false) END
           AS is_closed_late,
       turn.step_no AS approval_step_no,
       CASE WHEN turn.step_no IS NOT NULL THEN turn.person_ids
            WHEN NOT task.is_closed AND task.responsible_id IS NOT NULL THEN ARRAY[task.responsible_id] END
           AS waiting_for_ids,
       CASE WHEN turn.step_no IS NOT NULL THEN turn.names WHEN NOT task.is_closed THEN responsible.name END
           AS waiting_for,
       task.is_any_rejected, CASE WHEN task.has_detail THEN note_stats.note_count END AS note_count,
       CASE WHEN task.has_detail THEN files.attachment_count END AS attachment_count,
       coalesce(last_note.create_date, CASE WHEN NOT task.has_detail THEN task.modified_date END, task.create_date)
           AS last_activity_at,
       last_note.author_id AS last_activity_by_id, last_author.name AS last_activity_by,
       note_stats.first_response_at,
       round((extract(epoch FROM note_stats.first_response_at - task.create_date) / 3600)::numeric, 2)
           AS first_response_hours,
       CASE WHEN task.has_detail THEN handoff.handoff_count END AS handoff_count,
       CASE WHEN NOT task.has_detail THEN NULL WHEN note_stats.has_reopening THEN (
           SELECT count(*) FROM pyrus_report.state_changes
           WHERE state_changes.task_id = task.task_id AND change = 'reopened'
       ) ELSE 0 END AS reopen_count,
       task.parent_task_id, parent.text AS parent_text, task.link,
       task.is_closed, task.has_detail, task.subject, task.current_step, task.current_step_name, task.due_at,
       (SELECT array_agg(person_id ORDER BY participant_no) FROM pyrus.task_participants AS member
        WHERE member.task_id = task.task_id) AS participant_ids,
       (SELECT string_agg(name, ', ' ORDER BY participant_no)
        FROM pyrus.task_participants AS member JOIN pyrus_report.person_names USING (person_id)
        WHERE member.task_id = task.task_id) AS participants,
       (SELECT array_agg(person_id ORDER BY subscriber_no) FROM pyrus.task_subscribers AS member
        WHERE member.task_id = task.task_id) AS subscriber_ids,
       (SELECT string_agg(name, ', ' ORDER BY subscriber_no)
        FROM pyrus.task_subscribers AS member JOIN pyrus_report.person_names USING (person_id)
        WHERE member.task_id = task.task_id) AS subscribers
FROM pyrus_report.current_tasks AS task
CROSS JOIN pyrus_report.clock
CROSS JOIN LATERAL (
    SELECT CASE WHEN task.is_closed THEN task.close_date ELSE clock.now END - task.create_date AS lasted
) AS age
LEFT JOIN pyrus_report.person_names AS author ON author.person_id = task.author_id
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
LEFT JOIN pyrus.tasks AS parent ON parent.task_id = task.parent_task_id AND parent.deleted_at IS NULL
LEFT JOIN LATERAL (
    SELECT array_agg(project_id ORDER BY project_no) AS project_ids,
           string_agg(path, '; ' ORDER BY project_no) AS projects
    FROM pyrus.task_projects CROSS JOIN LATERAL (
        SELECT (SELECT jsonb_object_agg(project_id, path) FROM pyrus_report.project_paths) ->> project_id::text AS path
    ) AS named
    WHERE task_projects.task_id = task.task_id
) AS filed ON true
LEFT JOIN LATERAL (  -- the current approval step: the first in which somebody still has to decide
    SELECT step_no, array_agg(person_id ORDER BY approver_no) AS person_ids,
           string_agg(name, ', ' ORDER BY approver_no) AS names
    FROM pyrus.approvals LEFT JOIN pyrus_report.person_names USING (person_id)
    WHERE approvals.task_id = task.task_id AND NOT task.is_closed AND choice = 'Waiting'
    GROUP BY step_no ORDER BY step_no LIMIT 1
) AS turn ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS note_count,
           min(create_date) FILTER (WHERE author_id <> task.author_id) AS first_response_at,
           coalesce(bool_or(activity_action = 'Reopen'), false) AS has_reopening
    FROM pyrus.notes WHERE notes.task_id = task.task_id
) AS note_stats ON true
LEFT JOIN LATERAL (  -- as in assignments: the note that names the first person responsible is not a handoff
    SELECT count(*) AS handoff_count
    FROM (
        SELECT reassigned_to_id, lag(reassigned_to_id) OVER (ORDER BY note_no) AS before_id
        FROM pyrus.notes WHERE notes.task_id = task.task_id AND reassigned_to_id IS NOT NULL
    ) AS reassignment
    WHERE reassigned_to_id <> before_id
) AS handoff ON true
LEFT JOIN LATERAL (
    SELECT author_id, create_date FROM pyrus.notes WHERE notes.task_id = task.task_id
    ORDER BY create_date DESC NULLS LAST, note_no DESC LIMIT 1
) AS last_note ON true
LEFT JOIN LATERAL (  -- LIMIT, so that not all persons are read for every task
    SELECT name FROM pyrus_report.person_names WHERE person_id = last_note.author_id LIMIT 1
) AS last_author ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS attachment_count FROM pyrus.attachments WHERE attachments.task_id = task.task_id
) AS files ON true;

COMMENT ON VIEW pyrus_report.task_overview IS
    'What is the state of a task, and who is it waiting for? One row per task that is not deleted, with names beside '
    'the ids. While a task has not been read as a whole (has_detail), counts of its notes, files, handoffs and '
    'reopenings are null.';
COMMENT ON COLUMN pyrus_report.task_overview.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.task_overview.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.task_overview.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.task_overview.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.task_overview.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.task_overview.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.task_overview.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.task_overview.project_ids IS
    'Ids of all projects that the task is filed in, the main one first.';
COMMENT ON COLUMN pyrus_report.task_overview.projects IS
    'Paths of these projects from the root, separated by semicolons.';
COMMENT ON COLUMN pyrus_report.task_overview.author_id IS 'Id of the person who created the task.';
COMMENT ON COLUMN pyrus_report.task_overview.author IS 'Name of the person who created the task.';
COMMENT ON COLUMN pyrus_report.task_overview.responsible_id IS
    'Id of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.task_overview.responsible IS
    'Name of the person responsible; of a closed task, the last one.';
COMMENT ON COLUMN pyrus_report.task_overview.asap IS 'Whether the task is marked "as soon as possible".';
COMMENT ON COLUMN pyrus_report.task_overview.create_date IS 'When the task was created.';
COMMENT ON COLUMN pyrus_report.task_overview.modified_date IS 'When the task last changed; null if Pyrus does not say.';
COMMENT ON COLUMN pyrus_report.task_overview.due_date IS 'Day on which the task is due, in UTC.';
COMMENT ON COLUMN pyrus_report.task_overview.close_date IS
    'When the task was last closed; null while it is open, and while the time of closing is not known.';
COMMENT ON COLUMN pyrus_report.task_overview.age_hours IS
    'Hours from creation to closing, or to now while the task is open; null while close_date is not known.';
COMMENT ON COLUMN pyrus_report.task_overview.age_days IS
    'Days from creation to closing, or to now while the task is open; null while close_date is not known.';
COMMENT ON COLUMN pyrus_report.task_overview.is_overdue IS 'Whether the task is open and its due day has passed.';
COMMENT ON COLUMN pyrus_report.task_overview.days_overdue IS 'Days since the due day; null if the task is not overdue.';
COMMENT ON COLUMN pyrus_report.task_overview.is_closed_late IS
    'Whether the task was closed on a day after the due day; null while the time of closing is not known.';
COMMENT ON COLUMN pyrus_report.task_overview.approval_step_no IS
    'Number of the current approval step: the first in which somebody still has to decide. Null if the task is closed '
    'or nobody has to decide.';
COMMENT ON COLUMN pyrus_report.task_overview.waiting_for_ids IS
    'Ids of the people that the task is waiting for: the approvers who have not decided in its current step, else the '
    'person responsible; null if it is closed.';
COMMENT ON COLUMN pyrus_report.task_overview.waiting_for IS
    'Names of the people that the task is waiting for: the approvers who have not decided in its current step, else the '
    'person responsible; null if it is closed.';
COMMENT ON COLUMN pyrus_report.task_overview.is_any_rejected IS 'Whether an approver rejected the task.';
COMMENT ON COLUMN pyrus_report.task_overview.note_count IS 'Number of notes.';
COMMENT ON COLUMN pyrus_report.task_overview.attachment_count IS 'Number of files.';
COMMENT ON COLUMN pyrus_report.task_overview.last_activity_at IS
    'When the last note was written; when the task was created, if it has no notes; when it last changed, if its notes '
    'have not been read yet.';
COMMENT ON COLUMN pyrus_report.task_overview.last_activity_by_id IS 'Id of the person who wrote the last note.';
COMMENT ON COLUMN pyrus_report.task_overview.last_activity_by IS 'Name of the person who wrote the last note.';
COMMENT ON COLUMN pyrus_report.task_overview.first_response_at IS
    'When somebody other than the author first wrote a note.';
COMMENT ON COLUMN pyrus_report.task_overview.first_response_hours IS 'Hours from creation to first_response_at.';
COMMENT ON COLUMN pyrus_report.task_overview.handoff_count IS
    'How often the notes moved the task from one person responsible to another: the last handoff_no in assignments.';
COMMENT ON COLUMN pyrus_report.task_overview.reopen_count IS 'How often the task was reopened.';
COMMENT ON COLUMN pyrus_report.task_overview.parent_task_id IS
    'Id of the task of which this is a subtask; the account may not see it.';
COMMENT ON COLUMN pyrus_report.task_overview.parent_text IS 'Text of the parent task, if it is stored and not deleted.';
COMMENT ON COLUMN pyrus_report.task_overview.link IS 'Link to the task in Pyrus.';
COMMENT ON COLUMN pyrus_report.task_overview.is_closed IS
    'Whether the task is closed; known as soon as the task is, also while close_date is not.';
COMMENT ON COLUMN pyrus_report.task_overview.has_detail IS
    'Whether the whole task has been read. If not, only its form values, dates and state are known: notes, approvals and '
    'files are still to come.';
COMMENT ON COLUMN pyrus_report.task_overview.subject IS 'Subject of the task, if it has one besides its text.';
COMMENT ON COLUMN pyrus_report.task_overview.current_step IS
    'Number of the step of the form that the task is at; null through API v3.';
COMMENT ON COLUMN pyrus_report.task_overview.current_step_name IS 'Name of this step.';
COMMENT ON COLUMN pyrus_report.task_overview.due_at IS 'When the task is due, if it has a time of day.';
COMMENT ON COLUMN pyrus_report.task_overview.participant_ids IS
    'Ids of the participants of a task without a form, in order; null if there are none, and through API v3.';
COMMENT ON COLUMN pyrus_report.task_overview.participants IS 'Names of these participants.';
COMMENT ON COLUMN pyrus_report.task_overview.subscriber_ids IS
    'Ids of the subscribers, who follow the task, in order; null if there are none, and through API v3.';
COMMENT ON COLUMN pyrus_report.task_overview.subscribers IS 'Names of these subscribers.';
