-- Files of all services: by form, type, person and month, where their contents are, the largest, and duplicates. The
-- view is read once for all of them. A file of several tasks counts once, where it was attached first.
WITH file AS MATERIALIZED (
    SELECT DISTINCT ON (service, file_id) service, file_id, task_id, name, coalesce(size_bytes, 0) AS bytes,
           coalesce(form, CASE service WHEN 'paymo' THEN 'Paymo' WHEN 'onlyoffice' THEN 'ONLYOFFICE' ELSE 'No form' END)
               AS form,
           coalesce(extension, 'none') AS type, coalesce(attached_by, 'Unknown') AS person,
           to_char(attached_at AT TIME ZONE time_zone, 'YYYY-MM') AS month,
           CASE contents WHEN 'stored' THEN regexp_replace(stored_uri, '/[^/]*/[^/]*$', '') ELSE contents END AS stored,
           sha256, coalesce(task, place) AS task
    FROM pyrus_report.all_files CROSS JOIN pyrus_report.clock
    ORDER BY service, file_id, attached_at
), ranked AS (
    SELECT 'form' AS about, form AS name, count(*) AS files, sum(bytes)::bigint AS bytes FROM file GROUP BY form
    UNION ALL
    SELECT 'type', type, count(*), sum(bytes)::bigint FROM file GROUP BY type
    UNION ALL
    SELECT 'person', person, count(*), sum(bytes)::bigint FROM file GROUP BY person
    UNION ALL
    SELECT 'stored', stored, count(*), sum(bytes)::bigint FROM file GROUP BY stored
    UNION ALL
    SELECT 'duplicate', left(min(name), %(longest_text)s), count(*), (sum(bytes) - max(bytes))::bigint FROM file
    WHERE sha256 IS NOT NULL GROUP BY sha256 HAVING count(*) > 1
), numbered AS (
    SELECT *, row_number() OVER (PARTITION BY about ORDER BY bytes DESC, files DESC, name) AS place_no,
           count(*) OVER (PARTITION BY about) AS total
    FROM ranked
), by_month AS (
    SELECT month AS name, count(*) AS files, sum(bytes)::bigint AS bytes, count(*) OVER () AS total FROM file
    WHERE month IS NOT NULL GROUP BY month ORDER BY month DESC LIMIT 12
), largest AS (
    SELECT name, task, bytes, row_number() OVER (ORDER BY bytes DESC, service, file_id) AS place_no,
           count(*) OVER () AS total
    FROM file
    ORDER BY bytes DESC, service, file_id LIMIT %(most_rows)s
)
SELECT about, name, files, bytes, NULL AS task, place_no, total FROM numbered WHERE place_no <= %(most_rows)s
UNION ALL
SELECT 'month', name, files, bytes, NULL, row_number() OVER (ORDER BY name DESC), total FROM by_month
UNION ALL
SELECT 'largest', left(name, %(longest_text)s), 1, bytes, left(task, %(longest_text)s), place_no, total FROM largest
ORDER BY about, place_no
