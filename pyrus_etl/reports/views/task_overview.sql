CREATE OR REPLACE VIEW pyrus_report.task_overview AS
SELECT task.task_id, task.text, task.state, task.form_id, task.form,
       task.project_id, task.project, filed.project_ids, filed.projects,
       task.author_id, author.name AS author, task.responsible_id, responsible.name AS responsible,
       task.asap, task.create_date, task.modified_date, task.due_date, task.close_date,
       round((extract(epoch FROM coalesce(task.close_date, clock.now) - task.create_date) / 3600)::numeric, 2)
           AS age_hours,
       round((extract(epoch FROM coalesce(task.close_date, clock.now) - task.create_date) / 86400)::numeric, 2)
           AS age_days,
       coalesce(task.close_date IS NULL AND task.due_date < clock.today, false) AS is_overdue,
       CASE WHEN task.close_date IS NULL AND task.due_date < clock.today THEN clock.today - task.due_date END
           AS days_overdue,
       coalesce((task.close_date AT TIME ZONE clock.time_zone)::date > task.due_date, false) AS is_closed_late,
       turn.step_no AS approval_step_no,
       CASE WHEN turn.step_no IS NOT NULL THEN turn.person_ids
            WHEN task.close_date IS NULL AND task.responsible_id IS NOT NULL THEN ARRAY[task.responsible_id] END
           AS waiting_for_ids,
       CASE WHEN turn.step_no IS NOT NULL THEN turn.names WHEN task.close_date IS NULL THEN responsible.name END
           AS waiting_for,
       task.is_any_rejected, told.note_count, files.attachment_count,
       coalesce(last_note.create_date, task.create_date) AS last_activity_at,
       last_note.author_id AS last_activity_by_id, last_author.name AS last_activity_by,
       told.first_response_at,
       round((extract(epoch FROM told.first_response_at - task.create_date) / 3600)::numeric, 2)
           AS first_response_hours,
       handed.handoff_count,
       CASE WHEN told.has_reopening THEN (
           SELECT count(*) FROM pyrus_report.state_changes
           WHERE state_changes.task_id = task.task_id AND change = 'reopened'
       ) ELSE 0 END AS reopen_count,
       task.parent_task_id, parent.text AS parent_text, task.link
FROM pyrus_report.current_tasks AS task
CROSS JOIN pyrus_report.clock
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
LEFT JOIN LATERAL (  -- the step that the approval has come to: the first at which somebody still has to choose
    SELECT step_no, array_agg(person_id ORDER BY approver_no) AS person_ids,
           string_agg(name, ', ' ORDER BY approver_no) AS names
    FROM pyrus.approvals LEFT JOIN pyrus_report.person_names USING (person_id)
    WHERE approvals.task_id = task.task_id AND task.close_date IS NULL AND choice = 'Waiting'
    GROUP BY step_no ORDER BY step_no LIMIT 1
) AS turn ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS note_count,
           min(create_date) FILTER (WHERE author_id <> task.author_id) AS first_response_at,
           coalesce(bool_or(activity_action = 'Reopen'), false) AS has_reopening
    FROM pyrus.notes WHERE notes.task_id = task.task_id
) AS told ON true
LEFT JOIN LATERAL (  -- as in assignments: whom it is given to first is told by a note too, and is no handoff
    SELECT count(*) AS handoff_count
    FROM (
        SELECT reassigned_to_id, lag(reassigned_to_id) OVER (ORDER BY note_no) AS before_id
        FROM pyrus.notes WHERE notes.task_id = task.task_id AND reassigned_to_id IS NOT NULL
    ) AS given
    WHERE reassigned_to_id <> before_id
) AS handed ON true
LEFT JOIN LATERAL (
    SELECT author_id, create_date FROM pyrus.notes WHERE notes.task_id = task.task_id
    ORDER BY create_date DESC NULLS LAST, note_no DESC LIMIT 1
) AS last_note ON true
LEFT JOIN LATERAL (  -- LIMIT, lest all persons be read for every task
    SELECT name FROM pyrus_report.person_names WHERE person_id = last_note.author_id LIMIT 1
) AS last_author ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS attachment_count FROM pyrus.attachments WHERE attachments.task_id = task.task_id
) AS files ON true;

COMMENT ON VIEW pyrus_report.task_overview IS
    'What is the state of a task, and whom does it wait for? One row a task that is not deleted, with names in place '
    'of ids.';
COMMENT ON COLUMN pyrus_report.task_overview.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.task_overview.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.task_overview.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.task_overview.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.task_overview.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.task_overview.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.task_overview.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.task_overview.project_ids IS 'All projects that it is filed in, the main one first.';
COMMENT ON COLUMN pyrus_report.task_overview.projects IS
    'Names from the root down to each of them, separated by semicolons.';
COMMENT ON COLUMN pyrus_report.task_overview.author_id IS 'Who created it.';
COMMENT ON COLUMN pyrus_report.task_overview.author IS 'Name of who created it.';
COMMENT ON COLUMN pyrus_report.task_overview.responsible_id IS 'Who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.task_overview.responsible IS 'Name of who is to act now, or was last.';
COMMENT ON COLUMN pyrus_report.task_overview.asap IS 'Whether it is marked as to be done as soon as possible.';
COMMENT ON COLUMN pyrus_report.task_overview.create_date IS 'When it was created.';
COMMENT ON COLUMN pyrus_report.task_overview.modified_date IS 'When it last changed.';
COMMENT ON COLUMN pyrus_report.task_overview.due_date IS 'Day by which it is to be done.';
COMMENT ON COLUMN pyrus_report.task_overview.close_date IS 'When it was closed; null while it is open.';
COMMENT ON COLUMN pyrus_report.task_overview.age_hours IS
    'Hours from its creation to its closing, or to now while it is open.';
COMMENT ON COLUMN pyrus_report.task_overview.age_days IS 'The same in days.';
COMMENT ON COLUMN pyrus_report.task_overview.is_overdue IS 'Whether it is open and its due day has passed.';
COMMENT ON COLUMN pyrus_report.task_overview.days_overdue IS 'Days since the due day, where it is overdue.';
COMMENT ON COLUMN pyrus_report.task_overview.is_closed_late IS 'Whether it was closed on a day after the due day.';
COMMENT ON COLUMN pyrus_report.task_overview.approval_step_no IS
    'The approval step that it has come to: the first at which somebody still has to choose. Null where it is '
    'closed or nobody has to.';
COMMENT ON COLUMN pyrus_report.task_overview.waiting_for_ids IS
    'Whom it waits for: who still has to choose in that step, else the responsible; null where it is closed.';
COMMENT ON COLUMN pyrus_report.task_overview.waiting_for IS 'Names of whom it waits for.';
COMMENT ON COLUMN pyrus_report.task_overview.is_any_rejected IS 'Whether an approver rejected it.';
COMMENT ON COLUMN pyrus_report.task_overview.note_count IS 'How many notes it has.';
COMMENT ON COLUMN pyrus_report.task_overview.attachment_count IS 'How many files it has.';
COMMENT ON COLUMN pyrus_report.task_overview.last_activity_at IS 'When the last note was written.';
COMMENT ON COLUMN pyrus_report.task_overview.last_activity_by_id IS 'Who wrote the last note.';
COMMENT ON COLUMN pyrus_report.task_overview.last_activity_by IS 'Name of who wrote it.';
COMMENT ON COLUMN pyrus_report.task_overview.first_response_at IS
    'When somebody other than the author first wrote a note.';
COMMENT ON COLUMN pyrus_report.task_overview.first_response_hours IS 'Hours from its creation to that.';
COMMENT ON COLUMN pyrus_report.task_overview.handoff_count IS
    'How often it went from one responsible to another, as the notes tell: the last handoff_no in assignments.';
COMMENT ON COLUMN pyrus_report.task_overview.reopen_count IS 'How often it was reopened.';
COMMENT ON COLUMN pyrus_report.task_overview.parent_task_id IS 'The task of which it is a subtask.';
COMMENT ON COLUMN pyrus_report.task_overview.parent_text IS 'Text of the task of which it is a subtask.';
COMMENT ON COLUMN pyrus_report.task_overview.link IS 'Where people open it.';
