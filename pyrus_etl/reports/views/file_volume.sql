CREATE OR REPLACE VIEW pyrus_report.file_volume AS
WITH file AS (
    SELECT DISTINCT ON (service, file_id) service, form, extension, attached_by_id, attached_by, size_bytes, contents,
           date_trunc('month', attached_at AT TIME ZONE time_zone)::date AS month
    FROM pyrus_report.all_files CROSS JOIN pyrus_report.clock
    ORDER BY service, file_id, attached_at
)
SELECT service, form, extension, attached_by_id, attached_by, month, count(*) AS files,
       coalesce(sum(size_bytes), 0)::bigint AS bytes, round(coalesce(sum(size_bytes), 0) / 1048576.0, 2) AS size_mb,
       count(*) FILTER (WHERE contents = 'stored') AS stored_files
FROM file
GROUP BY service, form, extension, attached_by_id, attached_by, month;

COMMENT ON VIEW pyrus_report.file_volume IS
    'How many files are there, and how many bytes, by form, type, person and month? One row per service and combination '
    'of these. A file of several tasks counts once, where it was attached first. For totals, sum files and bytes over '
    'any rows.';
COMMENT ON COLUMN pyrus_report.file_volume.service IS 'pyrus, paymo or onlyoffice.';
COMMENT ON COLUMN pyrus_report.file_volume.form IS
    'Name of the form at Pyrus; null for tasks without a form, and for files of other services without a linked task.';
COMMENT ON COLUMN pyrus_report.file_volume.extension IS 'The part of the name after the last dot, in lower case.';
COMMENT ON COLUMN pyrus_report.file_volume.attached_by_id IS
    'Id of the person at the service who attached or uploaded the files, as text; null if it is not known.';
COMMENT ON COLUMN pyrus_report.file_volume.attached_by IS 'Name of that person, if the service gives it.';
COMMENT ON COLUMN pyrus_report.file_volume.month IS
    'First day of the month in which the files were attached or uploaded, in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.file_volume.files IS 'Number of files.';
COMMENT ON COLUMN pyrus_report.file_volume.bytes IS 'Their size in bytes; a file whose size is not known counts as 0.';
COMMENT ON COLUMN pyrus_report.file_volume.size_mb IS 'The same in megabytes (1024 × 1024 bytes).';
COMMENT ON COLUMN pyrus_report.file_volume.stored_files IS 'Of files, those whose contents are stored.';
