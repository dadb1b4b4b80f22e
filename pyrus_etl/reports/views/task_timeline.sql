CREATE OR REPLACE VIEW pyrus_report.task_timeline AS
SELECT event.task_id, form_id, form, project_id, project,
       coalesce(event.note_no, 0) * 10000000000000 + 100000000000 * coalesce(array_position(ARRAY[  -- the order of kinds within a note, after kinds of API v4
           'created', 'commented', 'field_changed', 'attached', 'filed', 'unfiled', 'approver_added',
           'approver_removed', 'approver_rerequested', 'approved', 'rejected', 'revoked', 'due_date_changed',
           'due_date_removed', 'reassigned', 'completed', 'reopened', 'closed'
       ], CASE kind WHEN 'acknowledged' THEN 'approved' ELSE kind END), 0) + item_id % 100000000000 AS event_no,
       at, person_id, person, kind, detail, about_person_id, event.note_no, outbox_id
FROM (
    SELECT task_id, form_id, form, project_id, project, create_date AS at, author_id AS person_id,
           author.name AS person, 'created' AS kind, text AS detail, NULL::bigint AS about_person_id,
           NULL::integer AS note_no, 0::bigint AS item_id
    FROM pyrus_report.current_tasks LEFT JOIN pyrus_report.person_names AS author ON author.person_id = author_id
  UNION ALL
    SELECT task_id, form_id, form, project_id, project, close_date, NULL, NULL, 'closed', NULL, NULL,
           CASE WHEN last.create_date <= close_date THEN last.note_no ELSE (
               -- the note that completes it may be dated a moment later; a second completing note does not count
               SELECT greatest(max(note_no) FILTER (WHERE note.create_date <= task.close_date),
                               min(note_no) FILTER (WHERE closes AND note_no > last_reopening))
               FROM (
                   SELECT *, activity_action IN ('Complete', 'MarkAsDuplicate', 'MarkAsIrrelevant') AS closes,
                          coalesce(max(note_no) FILTER (WHERE activity_action = 'Reopen') OVER (), 0) AS last_reopening
                   FROM pyrus.notes WHERE notes.task_id = task.task_id
               ) AS note
           ) END, 0
    FROM pyrus_report.current_tasks AS task
    LEFT JOIN LATERAL (  -- usually the last note is enough
        SELECT note_no, create_date FROM pyrus.notes WHERE notes.task_id = task.task_id ORDER BY note_no DESC LIMIT 1
    ) AS last ON true
    WHERE close_date IS NOT NULL
  UNION ALL
    SELECT task_id, form_id, form, project_id, project, written_at, person_id, person, kind,
           CASE kind WHEN 'commented' THEN text
                     WHEN 'due_date_changed' THEN to_char(due_date_changed, 'YYYY-MM-DD')
                     WHEN 'reassigned' THEN reassigned_to
                     WHEN 'completed' THEN nullif(lower(replace(activity_action, 'MarkAs', '')), 'complete') END,
           CASE kind WHEN 'reassigned' THEN reassigned_to_id END, note_no, 0
    FROM (
        SELECT *, unnest(array_remove(ARRAY[
                   CASE WHEN text <> '' THEN 'commented' END,
                   CASE WHEN approval_choice IN ('Approved', 'Rejected', 'Revoked', 'Acknowledged') THEN lower(approval_choice) END,
                   CASE WHEN due_date_changed IS NOT NULL THEN 'due_date_changed' END,
                   CASE WHEN due_date_removed THEN 'due_date_removed' END,
                   CASE WHEN reassigned_to_id IS NOT NULL THEN 'reassigned' END,
                   CASE activity_action WHEN 'Complete' THEN 'completed' WHEN 'MarkAsDuplicate' THEN 'completed'
                                        WHEN 'MarkAsIrrelevant' THEN 'completed' WHEN 'Reopen' THEN 'reopened' END
               ], NULL)) AS kind
        FROM pyrus_report.task_notes
    ) AS happened
  UNION ALL
    SELECT task_id, form_id, form, note.project_id, note.project, written_at, note.person_id, note.person, changed.kind,
           coalesce(changed.name, about.name, into_project.name), changed.person_id, note_no, item_id
    FROM pyrus_report.task_notes AS note
    JOIN (
        SELECT task_id, note_no, value_no AS item_id, 'field_changed' AS kind, concat(field_name, ': ', value) AS name,
               NULL::bigint AS person_id, NULL::bigint AS project_id
        FROM pyrus_report.field_values WHERE note_no IS NOT NULL
      UNION ALL
        SELECT task_id, note_no, attachment_id, 'attached', name, NULL, NULL FROM pyrus.attachments
      UNION ALL
        SELECT task_id, note_no, project_id, CASE change WHEN 'added' THEN 'filed' ELSE 'unfiled' END, NULL, NULL,
               project_id
        FROM pyrus.note_projects
      UNION ALL
        SELECT task_id, note_no, step_no * 1000 + approver_no, 'approver_' || change, NULL, person_id, NULL
        FROM pyrus.note_approvals
      UNION ALL
        SELECT task_id, note_no, 1, 'step_changed', coalesce(step.name, 'Step ' || step_no), NULL, NULL
        FROM pyrus.notes JOIN pyrus.tasks USING (task_id)
        CROSS JOIN LATERAL (SELECT coalesce(reset_to_step, changed_step) AS step_no) AS moved
        LEFT JOIN pyrus.form_steps AS step USING (form_id, step_no)
        WHERE step_no IS NOT NULL
      UNION ALL
        SELECT task_id, note_no,
               10000000 * array_position(ARRAY['participant_added', 'participant_removed', 'subscriber_added',
                                               'subscriber_removed', 'subscriber_rerequested', 'mentioned'], change)
                   + person_no, change, NULL, person_id, NULL
        FROM pyrus.note_persons
    ) AS changed USING (task_id, note_no)
    LEFT JOIN pyrus_report.person_names AS about ON about.person_id = changed.person_id
    LEFT JOIN pyrus.projects AS into_project ON into_project.project_id = changed.project_id
) AS event
LEFT JOIN pyrus_report.outbox_notes AS ours ON (ours.task_id, ours.note_no) = (event.task_id, coalesce(event.note_no, 1));

COMMENT ON VIEW pyrus_report.task_timeline IS
    'What happened to a task, in order? One row per event: everything that a note wrote or changed, and the creation '
    'and closing of the task.';
COMMENT ON COLUMN pyrus_report.task_timeline.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.task_timeline.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.task_timeline.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.task_timeline.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.task_timeline.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.task_timeline.event_no IS
    'Sorts the events of a task. An event keeps its number; numbers are not contiguous.';
COMMENT ON COLUMN pyrus_report.task_timeline.at IS 'When it happened.';
COMMENT ON COLUMN pyrus_report.task_timeline.person_id IS
    'Id of the person who did it; null for closed, because Pyrus does not say who.';
COMMENT ON COLUMN pyrus_report.task_timeline.person IS 'Name of the person who did it.';
COMMENT ON COLUMN pyrus_report.task_timeline.kind IS
    'created, step_changed, participant_added, participant_removed, subscriber_added, subscriber_removed, '
    'subscriber_rerequested, mentioned, commented, field_changed, attached, filed, unfiled, approver_added, '
    'approver_removed, approver_rerequested, approved, rejected, revoked, acknowledged, due_date_changed, '
    'due_date_removed, reassigned, completed, reopened or closed.';
COMMENT ON COLUMN pyrus_report.task_timeline.detail IS
    'What was written, set, attached or named; for step_changed: the name of the new step; for completed: duplicate or irrelevant if the task was marked so.';
COMMENT ON COLUMN pyrus_report.task_timeline.about_person_id IS
    'Id of the person affected: the new person responsible, or the approver, participant or subscriber who was added, '
    'removed, asked again or mentioned.';
COMMENT ON COLUMN pyrus_report.task_timeline.note_no IS
    'Number of the note with the event; null for created. For closed: the last note up to then, or the note that '
    'completed the task if it is dated later.';
COMMENT ON COLUMN pyrus_report.task_timeline.outbox_id IS
    'Id of the row of the outbox that made it; null if somebody else did, or if it is not known.';
