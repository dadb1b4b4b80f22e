CREATE OR REPLACE VIEW pyrus_report.all_files AS
WITH listed AS (
    SELECT 'pyrus' AS service, file.attachment_id::text AS file_id, file.task_id,
           file.task_id::text AS service_task_id, coalesce(task.subject, task.text) AS task, file.form,
           'task/' || file.task_id AS place, file.name, file.size_bytes, content.media_type, file.attached_at,
           file.attached_by_id::text AS attached_by_id, file.attached_by, file.download_url,
           content.status, content.stored_uri, content.stored_at, content.sha256, content.error
    FROM pyrus_report.attachment_overview AS file
    JOIN pyrus.tasks AS task USING (task_id)
    LEFT JOIN pyrus.attachment_contents AS content USING (task_id, attachment_id)
    UNION ALL
    SELECT file.service, file.file_id, task.task_id, file.task_id, coalesce(task.subject, task.text), form.name,
           coalesce(file.places[1], 'project/' || file.project_id), file.name, file.size_bytes,
           coalesce(file.media_type, content.media_type), file.created_at, file.author_id,
           file.payload #>> '{createdby,displayname}', file.download_url,
           content.status, content.stored_uri, content.stored_at, content.sha256, content.error
    FROM pyrus.service_files AS file
    LEFT JOIN (
        SELECT service, external_task_id::text AS external_task_id, min(task_id) AS task_id
        FROM pyrus.external_tasks GROUP BY 1, 2
    ) AS same ON (same.service, same.external_task_id) = (file.service, file.task_id)
    LEFT JOIN pyrus.tasks AS task ON task.task_id = same.task_id AND task.deleted_at IS NULL
    LEFT JOIN pyrus.projects AS form ON form.project_id = task.form_id
    LEFT JOIN pyrus.service_file_contents AS content
        ON (content.service, content.file_id) = (file.service, file.file_id)
    WHERE file.deleted_at IS NULL
)
SELECT service, file_id, task_id, service_task_id, task, form, place, name,
       lower(substring(name FROM '[.]([^.[:space:]/]{1,10})$')) AS extension,
       size_bytes, round(size_bytes / 1048576.0, 2) AS size_mb, media_type,
       attached_at, attached_by_id, attached_by,
       coalesce(status, 'not asked for') AS contents, stored_uri, stored_at, sha256, error, download_url
FROM listed;

COMMENT ON VIEW pyrus_report.all_files IS
    'Which files are there at Pyrus, Paymo and ONLYOFFICE, who added them and when, and where are their contents? One '
    'row per file of a task at Pyrus, and per file at another service; without those that are deleted.';
COMMENT ON COLUMN pyrus_report.all_files.service IS 'pyrus, paymo or onlyoffice.';
COMMENT ON COLUMN pyrus_report.all_files.file_id IS 'Id of the file at its service, as text.';
COMMENT ON COLUMN pyrus_report.all_files.task_id IS 'Id of the task at Pyrus: for a file of another service, as external_tasks has it; else null.';
COMMENT ON COLUMN pyrus_report.all_files.service_task_id IS
    'Id of the task at the service, as text; null if the file is not attached to a task.';
COMMENT ON COLUMN pyrus_report.all_files.task IS 'Subject or text of the task at Pyrus.';
COMMENT ON COLUMN pyrus_report.all_files.form IS 'Name of the form at Pyrus.';
COMMENT ON COLUMN pyrus_report.all_files.place IS
    'What the file is attached to at its service, such as task/9 or comment/4; else its project.';
COMMENT ON COLUMN pyrus_report.all_files.name IS 'File name.';
COMMENT ON COLUMN pyrus_report.all_files.extension IS 'The part of the name after the last dot, in lower case.';
COMMENT ON COLUMN pyrus_report.all_files.size_bytes IS 'Size in bytes, as the service gives it.';
COMMENT ON COLUMN pyrus_report.all_files.size_mb IS 'Size in megabytes (1024 × 1024 bytes).';
COMMENT ON COLUMN pyrus_report.all_files.media_type IS
    'Type of the contents, such as image/png, if the service gives it or the contents are stored.';
COMMENT ON COLUMN pyrus_report.all_files.attached_at IS
    'When the file was attached at Pyrus, or uploaded to the other service.';
COMMENT ON COLUMN pyrus_report.all_files.attached_by_id IS
    'Id of the person at the service who did that, as text; null if it is not known.';
COMMENT ON COLUMN pyrus_report.all_files.attached_by IS 'Name of that person, if the service gives it.';
COMMENT ON COLUMN pyrus_report.all_files.contents IS
    'stored, missing, denied, corrupt, failed; "not asked for" if attachments download has not tried it.';
COMMENT ON COLUMN pyrus_report.all_files.stored_uri IS 'Where the contents are stored.';
COMMENT ON COLUMN pyrus_report.all_files.stored_at IS 'When the contents were stored.';
COMMENT ON COLUMN pyrus_report.all_files.sha256 IS
    'SHA-256 of the stored contents; files with the same one are duplicates.';
COMMENT ON COLUMN pyrus_report.all_files.error IS 'Why the contents are not stored.';
COMMENT ON COLUMN pyrus_report.all_files.download_url IS 'Where the service serves the contents.';
