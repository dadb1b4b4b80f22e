CREATE OR REPLACE VIEW pyrus_report.project_summary AS
WITH filed AS (  -- many tasks are filed in the same projects: what is above those is looked up once
    SELECT task_id, array_agg(project_id) AS places FROM pyrus.task_projects GROUP BY task_id
), above AS (
    SELECT places, project_id, bool_or(project_id = place) AS is_direct
    FROM (SELECT DISTINCT places FROM filed) AS known CROSS JOIN unnest(places) AS place
    JOIN pyrus_report.project_tree ON below_id = place
    GROUP BY places, project_id
)
SELECT project_id, path.path AS project, path.parent_id, path.depth,
       coalesce(found.task_count, 0) AS task_count, coalesce(found.direct_task_count, 0) AS direct_task_count,
       coalesce(found.open_count, 0) AS open_tasks, coalesce(found.overdue_count, 0) AS overdue_tasks,
       coalesce(found.closed_count, 0) AS closed_tasks, found.closed_late_share,
       coalesce(found.created_30, 0) AS created_30_days, coalesce(found.closed_30, 0) AS closed_30_days,
       found.oldest_create_date AS oldest_open_create_date, found.modified_date AS last_modified_date,
       found.p50 AS cycle_p50_hours, found.p85 AS cycle_p85_hours, found.p95 AS cycle_p95_hours
FROM pyrus_report.project_paths AS path
LEFT JOIN (
    SELECT project_id, count(*) AS task_count, count(*) FILTER (WHERE is_direct) AS direct_task_count,
           count(*) FILTER (WHERE close_date IS NULL) AS open_count,
           count(*) FILTER (WHERE close_date IS NULL AND due_date < clock.today) AS overdue_count,
           count(close_date) AS closed_count,
           round(count(*) FILTER (WHERE (close_date AT TIME ZONE clock.time_zone)::date > due_date)::numeric
                 / nullif(count(*) FILTER (WHERE close_date IS NOT NULL AND due_date IS NOT NULL), 0), 4)
               AS closed_late_share,
           count(*) FILTER (WHERE create_date > clock.now - interval '30 days') AS created_30,
           count(*) FILTER (WHERE close_date > clock.now - interval '30 days') AS closed_30,
           min(create_date) FILTER (WHERE close_date IS NULL) AS oldest_create_date,
           max(modified_date) AS modified_date,
           round((percentile_cont(0.50) WITHIN GROUP (ORDER BY cycle_hours))::numeric, 2) AS p50,
           round((percentile_cont(0.85) WITHIN GROUP (ORDER BY cycle_hours))::numeric, 2) AS p85,
           round((percentile_cont(0.95) WITHIN GROUP (ORDER BY cycle_hours))::numeric, 2) AS p95
    FROM above JOIN filed USING (places) JOIN pyrus.tasks USING (task_id) CROSS JOIN pyrus_report.clock
    CROSS JOIN LATERAL (SELECT date_part('epoch', close_date - create_date) / 3600 AS cycle_hours) AS cycle
    WHERE deleted_at IS NULL GROUP BY project_id
) AS found USING (project_id);

COMMENT ON VIEW pyrus_report.project_summary IS
    'How does each project stand? One row a project, over the tasks in it and in the projects below it; the last 30 '
    'days are those before now.';
COMMENT ON COLUMN pyrus_report.project_summary.project_id IS 'The project; a form is one too.';
COMMENT ON COLUMN pyrus_report.project_summary.project IS 'Its path from the root.';
COMMENT ON COLUMN pyrus_report.project_summary.parent_id IS 'The project above it; null for a root.';
COMMENT ON COLUMN pyrus_report.project_summary.depth IS 'How deep it stands: 1 for a root.';
COMMENT ON COLUMN pyrus_report.project_summary.task_count IS 'Tasks in it or below it.';
COMMENT ON COLUMN pyrus_report.project_summary.direct_task_count IS
    'Those of them that are filed in the project itself.';
COMMENT ON COLUMN pyrus_report.project_summary.open_tasks IS 'Those that are open.';
COMMENT ON COLUMN pyrus_report.project_summary.overdue_tasks IS 'Open tasks whose due day has passed.';
COMMENT ON COLUMN pyrus_report.project_summary.closed_tasks IS 'Those that are closed.';
COMMENT ON COLUMN pyrus_report.project_summary.closed_late_share IS
    'Part of the closed tasks with a due day that were closed on a later day, from 0 to 1.';
COMMENT ON COLUMN pyrus_report.project_summary.created_30_days IS 'Tasks created in the last 30 days.';
COMMENT ON COLUMN pyrus_report.project_summary.closed_30_days IS 'Tasks closed in the last 30 days.';
COMMENT ON COLUMN pyrus_report.project_summary.oldest_open_create_date IS 'When the oldest open task was created.';
COMMENT ON COLUMN pyrus_report.project_summary.last_modified_date IS 'When any of them last changed.';
COMMENT ON COLUMN pyrus_report.project_summary.cycle_p50_hours IS
    'Hours from creation to closing within which half of the closed ones were done.';
COMMENT ON COLUMN pyrus_report.project_summary.cycle_p85_hours IS 'The same for 85 of 100.';
COMMENT ON COLUMN pyrus_report.project_summary.cycle_p95_hours IS 'The same for 95 of 100.';
