CREATE OR REPLACE VIEW pyrus_report.outbox_overview AS
SELECT entry.outbox_id, entry.status, action, entry.task_id, task_url || entry.task_id AS link, task.text, place.form_id,
       place.form, place.project_id, place.project, entry.body ->> 'text' AS written, created_by, created_at, not_before,
       sent_at, CASE WHEN entry.status <> 'refused' THEN
           round(extract(epoch FROM coalesce(sent_at, now) - greatest(created_at, not_before))::numeric, 3) END AS seconds,
       attempts, error, answer ->> 'code' AS refusal_code, earlier.outbox_id AS waits_for,
       account_id
FROM pyrus.outbox AS entry
LEFT JOIN pyrus.tasks AS task USING (task_id)
LEFT JOIN pyrus_report.current_tasks AS place USING (task_id)
LEFT JOIN LATERAL (
    SELECT before.outbox_id FROM pyrus.outbox AS before
    WHERE before.task_id = entry.task_id AND before.status <> 'sent' AND entry.status = 'waiting'
          AND (before.created_at, before.outbox_id) < (entry.created_at, entry.outbox_id)
    ORDER BY before.created_at, before.outbox_id LIMIT 1
) AS earlier ON action = 'comment'
CROSS JOIN pyrus_report.clock
CROSS JOIN pyrus.report_settings
WHERE created_by = CURRENT_USER OR has_table_privilege('pyrus.outbox'::regclass, 'UPDATE')
   OR NOT has_any_column_privilege('pyrus.outbox'::regclass, 'INSERT');  -- as the table's own policies

COMMENT ON VIEW pyrus_report.outbox_overview IS
    'What was to be written to Pyrus: what waits, what was sent, what was refused, and how long did it take? One row per '
    'row of the outbox; a role that may write and not push sees its own rows.';
COMMENT ON COLUMN pyrus_report.outbox_overview.outbox_id IS 'Id of the row.';
COMMENT ON COLUMN pyrus_report.outbox_overview.status IS
    'waiting, sending, sent, refused (see error), or unknown: a person has to decide whether it was applied.';
COMMENT ON COLUMN pyrus_report.outbox_overview.action IS 'comment, task or form_task.';
COMMENT ON COLUMN pyrus_report.outbox_overview.task_id IS 'Id of the task; of a new task, once it is known.';
COMMENT ON COLUMN pyrus_report.outbox_overview.link IS 'Link to the task in Pyrus.';
COMMENT ON COLUMN pyrus_report.outbox_overview.text IS 'Text of the task.';
COMMENT ON COLUMN pyrus_report.outbox_overview.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.outbox_overview.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.outbox_overview.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.outbox_overview.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.outbox_overview.written IS 'The text that it writes.';
COMMENT ON COLUMN pyrus_report.outbox_overview.created_by IS 'The role that inserted it.';
COMMENT ON COLUMN pyrus_report.outbox_overview.created_at IS 'When it was inserted.';
COMMENT ON COLUMN pyrus_report.outbox_overview.not_before IS 'It is not sent before this time; null: at once.';
COMMENT ON COLUMN pyrus_report.outbox_overview.sent_at IS 'When it was known that Pyrus has applied it.';
COMMENT ON COLUMN pyrus_report.outbox_overview.seconds IS
    'Seconds from created_at, or from not_before if that is later, until it was sent; until now if it is not sent yet; '
    'null if it was refused.';
COMMENT ON COLUMN pyrus_report.outbox_overview.attempts IS 'How often it was sent, or may have been.';
COMMENT ON COLUMN pyrus_report.outbox_overview.error IS
    'Why it was refused, is unknown, or still waits; null if nothing is wrong.';
COMMENT ON COLUMN pyrus_report.outbox_overview.refusal_code IS 'The code with which Pyrus refused it.';
COMMENT ON COLUMN pyrus_report.outbox_overview.waits_for IS
    'Id of the first earlier row of its task that is not sent; it is sent after that.';
COMMENT ON COLUMN pyrus_report.outbox_overview.account_id IS 'Id of the person that the connector wrote as.';
