CREATE OR REPLACE VIEW pyrus_report.outbox_notes AS
SELECT DISTINCT ON (task_id, note_no) task_id, note_no, outbox_id, created_by
FROM pyrus.outbox AS entry
JOIN pyrus.notes AS note USING (task_id)
WHERE status = 'sent' AND CASE
          WHEN action <> 'comment' THEN note_no = 1
          WHEN note_id IS NOT NULL THEN note_id = (answer ->> 'note_id')::bigint
          ELSE author_id = account_id AND create_date BETWEEN tried_at - interval '5 minutes' AND sent_at + interval '5 minutes'
               AND coalesce(note.text, '') = coalesce(body ->> 'text', '')
      END
ORDER BY task_id, note_no, abs(extract(epoch FROM note.create_date - entry.tried_at));

COMMENT ON VIEW pyrus_report.outbox_notes IS
    'Which notes did rows of the outbox write? One row per note that push has sent. A note without an id (API v3) is found '
    'by its author, its text and its time.';
COMMENT ON COLUMN pyrus_report.outbox_notes.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.outbox_notes.note_no IS 'Number of the note in the task, from 1.';
COMMENT ON COLUMN pyrus_report.outbox_notes.outbox_id IS 'Id of the row of the outbox.';
COMMENT ON COLUMN pyrus_report.outbox_notes.created_by IS 'The role that inserted it.';
