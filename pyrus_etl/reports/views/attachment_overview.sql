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
       file.md5_hash, file.download_url, content.sha256, content.media_type, content.attempts
FROM pyrus_report.current_tasks AS task
JOIN pyrus.attachments AS file USING (task_id)
LEFT JOIN pyrus.attachment_contents AS content USING (task_id, attachment_id)
LEFT JOIN pyrus.notes AS note ON (note.task_id, note.note_no) = (file.task_id, file.note_no)
LEFT JOIN pyrus_report.person_names AS person ON person.person_id = note.author_id
LEFT JOIN pyrus.form_fields AS field ON (field.form_id, field.field_id) = (task.form_id, file.field_id);

COMMENT ON VIEW pyrus_report.attachment_overview IS
    'Which files are attached to the tasks, how large are they, and were their contents downloaded? One row per file '
    'of a task.';
COMMENT ON COLUMN pyrus_report.attachment_overview.task_id IS 'Id of the task.';
COMMENT ON COLUMN pyrus_report.attachment_overview.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.attachment_overview.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.attachment_overview.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.attachment_overview.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.attachment_overview.state IS 'open or closed.';
COMMENT ON COLUMN pyrus_report.attachment_overview.attachment_id IS
    'Id of the file in Pyrus; a new version of a file has a new id.';
COMMENT ON COLUMN pyrus_report.attachment_overview.name IS 'File name.';
COMMENT ON COLUMN pyrus_report.attachment_overview.extension IS
    'The part of the name after the last dot, in lower case.';
COMMENT ON COLUMN pyrus_report.attachment_overview.size_bytes IS 'Size in bytes.';
COMMENT ON COLUMN pyrus_report.attachment_overview.size_mb IS 'Size in megabytes (1024 × 1024 bytes).';
COMMENT ON COLUMN pyrus_report.attachment_overview.size_class IS 'Size in four bands, which sort by their number.';
COMMENT ON COLUMN pyrus_report.attachment_overview.is_new_version IS 'Whether this is a later version of another file.';
COMMENT ON COLUMN pyrus_report.attachment_overview.attached_at IS
    'When the note with the file was written; for a file only in the form, when the task was created.';
COMMENT ON COLUMN pyrus_report.attachment_overview.attached_by_id IS
    'Id of the person who wrote that note; null if the file is only in the form.';
COMMENT ON COLUMN pyrus_report.attachment_overview.attached_by IS 'Name of the person who wrote that note.';
COMMENT ON COLUMN pyrus_report.attachment_overview.note_no IS
    'Number of the first note with the file; null if the file is only in the task''s form.';
COMMENT ON COLUMN pyrus_report.attachment_overview.field_id IS
    'Id of the form field in which the file first appears; null if it is attached to a note.';
COMMENT ON COLUMN pyrus_report.attachment_overview.field IS 'Name of the field as users see it.';
COMMENT ON COLUMN pyrus_report.attachment_overview.contents IS
    'stored, missing, denied, corrupt, failed; "not asked for" if attachments download has not tried it.';
COMMENT ON COLUMN pyrus_report.attachment_overview.stored_uri IS 'Where the contents are stored.';
COMMENT ON COLUMN pyrus_report.attachment_overview.stored_at IS 'When the contents were stored.';
COMMENT ON COLUMN pyrus_report.attachment_overview.error IS 'Why the contents could not be stored.';
COMMENT ON COLUMN pyrus_report.attachment_overview.md5_hash IS 'MD5 of the contents, as Pyrus gives it.';
COMMENT ON COLUMN pyrus_report.attachment_overview.download_url IS
    'Where Pyrus serves the contents to logged-in users.';
COMMENT ON COLUMN pyrus_report.attachment_overview.sha256 IS
    'SHA-256 of the stored contents; files with the same one are duplicates.';
COMMENT ON COLUMN pyrus_report.attachment_overview.media_type IS 'Content-Type that came with the contents.';
COMMENT ON COLUMN pyrus_report.attachment_overview.attempts IS 'How often the contents were requested so far.';
