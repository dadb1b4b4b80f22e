CREATE OR REPLACE VIEW pyrus_report.task_notes AS
SELECT task_id, task.form_id, task.form, task.project_id, task.project, note.note_no, note.create_date AS written_at,
       note.author_id AS person_id, person.name AS person, note.text,
       note.reassigned_to_id, heir.name AS reassigned_to, note.activity_action, note.approval_choice,
       note.due_date_changed, note.due_date_removed,
       note.note_id, note.subject, note.changed_step, changed.name AS changed_step_name, note.reset_to_step,
       returned.name AS reset_to_step_name, note.due_at, note.scheduled_date, note.scheduled_at, note.spent_minutes,
       note.channel_type, note.reply_note_id
FROM pyrus_report.current_tasks AS task
JOIN pyrus.notes AS note USING (task_id)
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = note.author_id
LEFT JOIN pyrus_report.person_names AS heir ON heir.person_id = note.reassigned_to_id
LEFT JOIN pyrus.form_steps AS changed ON (changed.form_id, changed.step_no) = (task.form_id, note.changed_step)
LEFT JOIN pyrus.form_steps AS returned ON (returned.form_id, returned.step_no) = (task.form_id, note.reset_to_step);

COMMENT ON VIEW pyrus_report.task_notes IS 'Who wrote what on a task, and when? One row per note.';
COMMENT ON COLUMN pyrus_report.task_notes.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.task_notes.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.task_notes.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.task_notes.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.task_notes.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.task_notes.note_no IS 'Number of the note in the task, from 1.';
COMMENT ON COLUMN pyrus_report.task_notes.written_at IS 'When the note was written.';
COMMENT ON COLUMN pyrus_report.task_notes.person_id IS 'Id of the person who wrote the note.';
COMMENT ON COLUMN pyrus_report.task_notes.person IS 'Name of the person who wrote the note.';
COMMENT ON COLUMN pyrus_report.task_notes.text IS 'Text of the note; null if the note only changed something.';
COMMENT ON COLUMN pyrus_report.task_notes.reassigned_to_id IS 'Id of the person whom the note made responsible.';
COMMENT ON COLUMN pyrus_report.task_notes.reassigned_to IS 'Name of the person whom the note made responsible.';
COMMENT ON COLUMN pyrus_report.task_notes.activity_action IS
    'Complete, MarkAsDuplicate, MarkAsIrrelevant or Reopen; null if none.';
COMMENT ON COLUMN pyrus_report.task_notes.approval_choice IS
    'The author''s decision as an approver: Approved, Rejected, Revoked or Acknowledged.';
COMMENT ON COLUMN pyrus_report.task_notes.due_date_changed IS 'The due date that the note set.';
COMMENT ON COLUMN pyrus_report.task_notes.due_date_removed IS 'Whether the note cleared the due date.';
COMMENT ON COLUMN pyrus_report.task_notes.note_id IS 'Id of the note in Pyrus; null if it gives none.';
COMMENT ON COLUMN pyrus_report.task_notes.subject IS 'The subject that the note gave the task.';
COMMENT ON COLUMN pyrus_report.task_notes.changed_step IS 'Number of the step to which the note moved the task.';
COMMENT ON COLUMN pyrus_report.task_notes.changed_step_name IS 'Name of this step.';
COMMENT ON COLUMN pyrus_report.task_notes.reset_to_step IS 'Number of the earlier step to which the note returned the task.';
COMMENT ON COLUMN pyrus_report.task_notes.reset_to_step_name IS 'Name of this step.';
COMMENT ON COLUMN pyrus_report.task_notes.due_at IS 'The due time that the note set, if it has a time of day.';
COMMENT ON COLUMN pyrus_report.task_notes.scheduled_date IS 'The day for which the note scheduled the task.';
COMMENT ON COLUMN pyrus_report.task_notes.scheduled_at IS 'The time for which the note scheduled the task.';
COMMENT ON COLUMN pyrus_report.task_notes.spent_minutes IS 'Minutes of work that the note reports.';
COMMENT ON COLUMN pyrus_report.task_notes.channel_type IS
    'Channel through which the note came or went: email, telegram, sms, …';
COMMENT ON COLUMN pyrus_report.task_notes.reply_note_id IS 'note_id of the note that this one answers.';
