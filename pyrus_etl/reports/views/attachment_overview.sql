CREATE OR REPLACE VIEW pyrus_report.attachment_overview AS
SELECT task.task_id, task.form_id, task.form, task.project_id, task.project, task.state,
       file.attachment_id, file.name, lower(substring(file.name FROM '[.]([^.[:space:]/]{1,10})$')) AS extension,
       file.size_bytes, round(file.size_bytes / 1048576.0, 2) AS size_mb,
       CASE WHEN file.size_bytes < 102400 THEN '1: below 100 kB'
            WHEN file.size_bytes < 1048576 THEN '2: below 1 MB'
            WHEN file.size_bytes < 10485760 THEN '3: below 10 MB'
            WHEN file.size_bytes IS NOT NULL THEN '4: 10 MB and more' END AS size_class,
       file.existing_id IS NOT NULL AND file.existing_id <> file.attachment_id AS is_new_version,
       coalesce(note.create_date, task.create_date) AS attached_at, note.author_id AS attached_by_id,
       person.name AS attached_by, file.note_no, file.field_id, field.field_name AS field,
       coalesce(content.status, 'not asked for') AS contents, content.stored_uri, content.stored_at, content.error,
       file.md5_hash, file.download_url
FROM pyrus_report.current_tasks AS task
JOIN pyrus.attachments AS file USING (task_id)
LEFT JOIN pyrus.attachment_contents AS content USING (task_id, attachment_id)
LEFT JOIN pyrus.notes AS note ON (note.task_id, note.note_no) = (file.task_id, file.note_no)
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = note.author_id
LEFT JOIN pyrus.form_fields AS field ON (field.form_id, field.field_id) = (task.form_id, file.field_id);

COMMENT ON VIEW pyrus_report.attachment_overview IS
    'Which files hang on the tasks, how large are they, and were their contents fetched? One row a file of a task.';
COMMENT ON COLUMN pyrus_report.attachment_overview.task_id IS 'The task.';
COMMENT ON COLUMN pyrus_report.attachment_overview.form_id IS 'Its form; null for a task without one.';
COMMENT ON COLUMN pyrus_report.attachment_overview.form IS 'Name of its form.';
COMMENT ON COLUMN pyrus_report.attachment_overview.project_id IS 'Its main project: the first that it is filed in.';
COMMENT ON COLUMN pyrus_report.attachment_overview.project IS 'Path of its main project from the root.';
COMMENT ON COLUMN pyrus_report.attachment_overview.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.attachment_overview.attachment_id IS 'The file.';
COMMENT ON COLUMN pyrus_report.attachment_overview.name IS 'File name.';
COMMENT ON COLUMN pyrus_report.attachment_overview.extension IS
    'What follows the last dot of the name, in small letters.';
COMMENT ON COLUMN pyrus_report.attachment_overview.size_bytes IS 'Size of the file.';
COMMENT ON COLUMN pyrus_report.attachment_overview.size_mb IS 'The same in megabytes (1024 × 1024 bytes).';
COMMENT ON COLUMN pyrus_report.attachment_overview.size_class IS 'Its size in four bands, which sort by their number.';
COMMENT ON COLUMN pyrus_report.attachment_overview.is_new_version IS 'Whether it is a later version of another file.';
COMMENT ON COLUMN pyrus_report.attachment_overview.attached_at IS
    'When the note with it was written; when the task was created, where only the form has it.';
COMMENT ON COLUMN pyrus_report.attachment_overview.attached_by_id IS
    'Who wrote that note; null where only the form has it.';
COMMENT ON COLUMN pyrus_report.attachment_overview.attached_by IS 'Name of who wrote that note.';
COMMENT ON COLUMN pyrus_report.attachment_overview.note_no IS
    'The note in which it first stands; null where only the form has it.';
COMMENT ON COLUMN pyrus_report.attachment_overview.field_id IS 'The form field in which it first stands.';
COMMENT ON COLUMN pyrus_report.attachment_overview.field IS 'Name of that field.';
COMMENT ON COLUMN pyrus_report.attachment_overview.contents IS
    'stored, missing, denied, corrupt, failed; not asked for, where attachments download has not tried.';
COMMENT ON COLUMN pyrus_report.attachment_overview.stored_uri IS 'Where the contents were stored.';
COMMENT ON COLUMN pyrus_report.attachment_overview.stored_at IS 'When they were stored.';
COMMENT ON COLUMN pyrus_report.attachment_overview.error IS 'Why they could not be stored.';
COMMENT ON COLUMN pyrus_report.attachment_overview.md5_hash IS 'MD5 of the contents, as Pyrus spells it.';
COMMENT ON COLUMN pyrus_report.attachment_overview.download_url IS
    'Where Pyrus serves the contents, to those who are logged in.';
