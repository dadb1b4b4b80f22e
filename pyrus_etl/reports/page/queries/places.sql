-- The places of tasks: one row per form, main project, and project above it (including the main project itself).
WITH place AS (
    SELECT form_id, form, project_id, count(*) AS tasks, count(*) FILTER (WHERE has_detail) AS detailed
    FROM pyrus_report.current_tasks GROUP BY form_id, form, project_id
)
SELECT coalesce(form_id, 0) AS form_id, form, coalesce(place.project_id, 0) AS project_id, tasks, detailed,
       tree.project_id AS above_id
FROM place LEFT JOIN pyrus_report.project_tree AS tree ON below_id = place.project_id
