-- Where tasks are: one row a form, main project, and project above it (the main project itself is among them).
WITH RECURSIVE chain AS (
    SELECT project_id, project_id AS above_id, parent_id AS next_id, path FROM pyrus_report.project_paths
  UNION ALL
    SELECT chain.project_id, above.project_id, above.parent_id, above.path
    FROM chain JOIN pyrus_report.project_paths AS above ON above.project_id = chain.next_id
), place AS (
    SELECT form_id, form, project_id, count(*) AS tasks FROM pyrus_report.current_tasks GROUP BY form_id, form, project_id
)
SELECT coalesce(form_id, 0) AS form_id, form, coalesce(place.project_id, 0) AS project_id, tasks, above_id, path
FROM place LEFT JOIN chain USING (project_id)
