-- The oldest open tasks that are older than 85 percent of the closed tasks of their kind were: ranked first, so that only
-- their texts are read.
SELECT scope, task_id, left(task.text, %(longest_text)s) AS text, task.link, coalesce(task.project, task.form) AS place,
       responsible.name AS who, age_hours::float8 AS hours, p85_hours::float8 AS usual_hours, total
FROM (
    SELECT scope, task_id, age_hours, p85_hours,
           row_number() OVER (PARTITION BY scope ORDER BY create_date, task_id) AS place_no,
           count(*) OVER (PARTITION BY scope) AS total
    FROM pyrus_report.aging_work AS aging
    JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
        ON member.form_id = coalesce(aging.form_id, 0) AND member.project_id = coalesce(aging.project_id, 0)
    WHERE is_beyond_p85
) AS ranked
JOIN pyrus_report.current_tasks AS task USING (task_id)
LEFT JOIN pyrus_report.person_names AS responsible ON responsible.person_id = task.responsible_id
WHERE place_no <= %(most_rows)s
ORDER BY scope, place_no
