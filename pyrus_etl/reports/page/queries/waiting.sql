-- Pending approvals: in total, by person, and those waiting longest. The view is read once for all three; only the
-- texts that are shown are read.
WITH waiting AS MATERIALIZED (
    SELECT scope, task_id, person_id, waited_hours,
           CASE WHEN min(person_id) OVER same_name < max(person_id) OVER same_name THEN format('%%s (%%s)', person, person_id)
                ELSE coalesce(person, 'Unknown') END AS approver,
           row_number() OVER (PARTITION BY scope ORDER BY waited_hours DESC, task_id, step_no, person_id) AS place_no
    FROM pyrus_report.approvals_waiting AS waiting
    JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
        ON member.form_id = coalesce(waiting.form_id, 0) AND member.project_id = coalesce(waiting.project_id, 0)
    WINDOW same_name AS (PARTITION BY person)
)
SELECT 'all' AS about, scope, NULL AS person, NULL::bigint AS approvals, count(DISTINCT task_id) AS tasks,
       NULL::float8 AS hours, NULL::bigint AS task_id, NULL AS text, NULL AS link, NULL AS place, NULL::bigint AS place_no
FROM waiting GROUP BY scope
UNION ALL
SELECT 'person', scope, approver, count(*), count(DISTINCT task_id), max(waited_hours)::float8, NULL, NULL, NULL, NULL,
       NULL
FROM waiting GROUP BY scope, person_id, approver
UNION ALL
SELECT 'task', scope, approver, 1, 1, waited_hours::float8, task_id, left(task.text, %(longest_text)s), task.link,
       coalesce(task.project, task.form), place_no
FROM waiting JOIN pyrus_report.current_tasks AS task USING (task_id) WHERE place_no <= %(most_rows)s
