CREATE OR REPLACE VIEW pyrus_report.duplicate_files AS
WITH file AS (
    SELECT DISTINCT ON (service, file_id) service, file_id, task_id, name, size_bytes, attached_at, sha256
    FROM pyrus_report.all_files
    WHERE sha256 IS NOT NULL
    ORDER BY service, file_id, attached_at
)
SELECT sha256, (array_agg(name ORDER BY attached_at, service, file_id))[1] AS name, count(*) AS files,
       max(size_bytes) AS size_bytes, (max(size_bytes) * (count(*) - 1))::bigint AS extra_bytes,
       min(attached_at) AS first_attached_at, max(attached_at) AS last_attached_at,
       array_agg(service || ':' || file_id ORDER BY attached_at, service, file_id) AS file_ids,
       array_agg(DISTINCT task_id ORDER BY task_id) FILTER (WHERE task_id IS NOT NULL) AS task_ids
FROM file
GROUP BY sha256 HAVING count(*) > 1;

COMMENT ON VIEW pyrus_report.duplicate_files IS
    'Which files have the same contents as others, at any service, and how many bytes do the copies take? One row per '
    'contents (SHA-256) that several files have. Only files that attachments download has stored are compared; a file of '
    'several tasks is one file.';
COMMENT ON COLUMN pyrus_report.duplicate_files.sha256 IS 'SHA-256 of the contents, in hexadecimal.';
COMMENT ON COLUMN pyrus_report.duplicate_files.name IS 'Name of the file that was attached first.';
COMMENT ON COLUMN pyrus_report.duplicate_files.files IS 'Number of files with these contents.';
COMMENT ON COLUMN pyrus_report.duplicate_files.size_bytes IS 'Size of one of them in bytes.';
COMMENT ON COLUMN pyrus_report.duplicate_files.extra_bytes IS 'Bytes of all but one of them.';
COMMENT ON COLUMN pyrus_report.duplicate_files.first_attached_at IS 'When the first of them was attached.';
COMMENT ON COLUMN pyrus_report.duplicate_files.last_attached_at IS 'When the last of them was attached.';
COMMENT ON COLUMN pyrus_report.duplicate_files.file_ids IS
    'The files, each with its service, as in the commands of pyrus-etl files: pyrus:123, paymo:55; the first comes first.';
COMMENT ON COLUMN pyrus_report.duplicate_files.task_ids IS 'Ids of their tasks at Pyrus.';
