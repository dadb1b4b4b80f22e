-- The tasks overdue longest: ranked first, so that only their texts are read.
SELECT scope, task_id, left(text, %(longest_text)s) AS text, link, coalesce(project, form) AS place,
       responsible AS who, days_overdue AS days
FROM (
    SELECT scope, task_id, row_number() OVER (PARTITION BY scope ORDER BY due_date, task_id) AS place_no
    FROM pyrus_report.overdue_tasks AS overdue
    JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
        ON member.form_id = coalesce(overdue.form_id, 0) AND member.project_id = coalesce(overdue.project_id, 0)
) AS ranked
JOIN pyrus_report.overdue_tasks USING (task_id)
WHERE place_no <= %(most_rows)s
ORDER BY scope, place_no
