CREATE OR REPLACE VIEW pyrus_report.task_notes AS
SELECT task_id, task.form_id, task.form, task.project_id, task.project, note.note_no, note.create_date AS written_at,
       note.author_id AS person_id, person.name AS person, note.text,
       note.reassigned_to_id, heir.name AS reassigned_to, note.activity_action, note.approval_choice,
       note.due_date_changed, note.due_date_removed
FROM pyrus_report.current_tasks AS task
JOIN pyrus.notes AS note USING (task_id)
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = note.author_id
LEFT JOIN pyrus_report.person_names AS heir ON heir.person_id = note.reassigned_to_id;

COMMENT ON VIEW pyrus_report.task_notes IS
    'Who wrote what on a task, and when? One row a note.';
COMMENT ON COLUMN pyrus_report.task_notes.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.task_notes.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.task_notes.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.task_notes.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.task_notes.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.task_notes.note_no IS 'Place of the note in the task, from 1.';
COMMENT ON COLUMN pyrus_report.task_notes.written_at IS 'When it was written.';
COMMENT ON COLUMN pyrus_report.task_notes.person_id IS 'Who wrote it.';
COMMENT ON COLUMN pyrus_report.task_notes.person IS 'Name of who wrote it.';
COMMENT ON COLUMN pyrus_report.task_notes.text IS 'What was written; null where the note only changed something.';
COMMENT ON COLUMN pyrus_report.task_notes.reassigned_to_id IS 'Who became responsible by it.';
COMMENT ON COLUMN pyrus_report.task_notes.reassigned_to IS 'Name of who became responsible by it.';
COMMENT ON COLUMN pyrus_report.task_notes.activity_action IS
    'Complete, MarkAsDuplicate, MarkAsIrrelevant, Reopen; null for none.';
COMMENT ON COLUMN pyrus_report.task_notes.approval_choice IS
    'What the author chose as an approver: Approved, Rejected or Revoked.';
COMMENT ON COLUMN pyrus_report.task_notes.due_date_changed IS 'The due date that it set.';
COMMENT ON COLUMN pyrus_report.task_notes.due_date_removed IS 'Whether it cleared the due date.';
