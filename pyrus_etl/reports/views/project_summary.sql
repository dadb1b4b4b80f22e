CREATE OR REPLACE VIEW pyrus_report.project_summary AS
WITH filed AS (  -- many tasks are filed in the same projects: the projects above those are looked up once
    SELECT task_id, array_agg(project_id) AS places FROM pyrus.task_projects GROUP BY task_id
  UNION ALL
    SELECT task_id, ARRAY[form_id] FROM pyrus.tasks WHERE main_project_id IS NULL AND form_id IS NOT NULL
), above AS (
    SELECT places, project_id, bool_or(project_id = place) AS is_direct
    FROM (SELECT DISTINCT places FROM filed) AS distinct_places CROSS JOIN unnest(places) AS place
    JOIN pyrus_report.project_tree ON below_id = place
    GROUP BY places, project_id
), task AS NOT MATERIALIZED (
    SELECT task_id, create_date, modified_date, due_date, is_closed, CASE WHEN is_closed THEN close_date END AS close_date
    FROM pyrus.tasks WHERE deleted_at IS NULL
)
SELECT project_id, path.path AS project, path.parent_id, path.depth,
       coalesce(stats.task_count, 0) AS task_count, coalesce(stats.direct_task_count, 0) AS direct_task_count,
       coalesce(stats.open_count, 0) AS open_tasks, coalesce(stats.overdue_count, 0) AS overdue_tasks,
       coalesce(stats.closed_count, 0) AS closed_tasks, stats.closed_late_share,
       coalesce(stats.created_30, 0) AS created_30_days, coalesce(stats.closed_30, 0) AS closed_30_days,
       stats.oldest_create_date AS oldest_open_create_date, stats.modified_date AS last_modified_date,
       stats.p50 AS cycle_p50_hours, stats.p85 AS cycle_p85_hours, stats.p95 AS cycle_p95_hours
FROM pyrus_report.project_paths AS path
LEFT JOIN (
    SELECT project_id, count(*) AS task_count, count(*) FILTER (WHERE is_direct) AS direct_task_count,
           count(*) FILTER (WHERE NOT is_closed) AS open_count,
           count(*) FILTER (WHERE NOT is_closed AND due_date < clock.today) AS overdue_count,
           count(*) FILTER (WHERE is_closed) AS closed_count,
           round(count(*) FILTER (WHERE (close_date AT TIME ZONE clock.time_zone)::date > due_date)::numeric
                 / nullif(count(*) FILTER (WHERE close_date IS NOT NULL AND due_date IS NOT NULL), 0), 4)
               AS closed_late_share,
           count(*) FILTER (WHERE create_date > clock.now - interval '30 days') AS created_30,
           count(*) FILTER (WHERE close_date > clock.now - interval '30 days') AS closed_30,
           min(create_date) FILTER (WHERE NOT is_closed) AS oldest_create_date,
           max(modified_date) AS modified_date,
           round((percentile_cont(0.50) WITHIN GROUP (ORDER BY cycle_hours))::numeric, 2) AS p50,
           round((percentile_cont(0.85) WITHIN GROUP (ORDER BY cycle_hours))::numeric, 2) AS p85,
           round((percentile_cont(0.95) WITHIN GROUP (ORDER BY cycle_hours))::numeric, 2) AS p95
    FROM above JOIN filed USING (places) JOIN task USING (task_id) CROSS JOIN pyrus_report.clock
    CROSS JOIN LATERAL (SELECT date_part('epoch', close_date - create_date) / 3600 AS cycle_hours) AS cycle
    GROUP BY project_id
) AS stats USING (project_id);

COMMENT ON VIEW pyrus_report.project_summary IS
    'How is each project doing? One row per project, counting the tasks in it and in the projects below it. A task that is '
    'in no project, but has a form, counts in its form. The last 30 days end now.';
COMMENT ON COLUMN pyrus_report.project_summary.project_id IS 'Id of the project in Pyrus; a form is also a project.';
COMMENT ON COLUMN pyrus_report.project_summary.project IS 'Path of the project from the root.';
COMMENT ON COLUMN pyrus_report.project_summary.parent_id IS 'Id of the parent project; null for a root.';
COMMENT ON COLUMN pyrus_report.project_summary.depth IS 'Depth in the tree: 1 for a root.';
COMMENT ON COLUMN pyrus_report.project_summary.task_count IS 'Tasks in the project or below it.';
COMMENT ON COLUMN pyrus_report.project_summary.direct_task_count IS 'Of task_count, those filed in the project itself.';
COMMENT ON COLUMN pyrus_report.project_summary.open_tasks IS 'Of task_count, those that are open.';
COMMENT ON COLUMN pyrus_report.project_summary.overdue_tasks IS 'Of open_tasks, those whose due day has passed.';
COMMENT ON COLUMN pyrus_report.project_summary.closed_tasks IS 'Of task_count, those that are closed.';
COMMENT ON COLUMN pyrus_report.project_summary.closed_late_share IS
    'Of the closed tasks with a due day, the share closed on a later day, from 0 to 1.';
COMMENT ON COLUMN pyrus_report.project_summary.created_30_days IS 'Tasks created in the last 30 days.';
COMMENT ON COLUMN pyrus_report.project_summary.closed_30_days IS 'Tasks closed in the last 30 days.';
COMMENT ON COLUMN pyrus_report.project_summary.oldest_open_create_date IS 'When the oldest open task was created.';
COMMENT ON COLUMN pyrus_report.project_summary.last_modified_date IS 'When any of the tasks last changed.';
COMMENT ON COLUMN pyrus_report.project_summary.cycle_p50_hours IS
    'Half of the closed tasks took at most this many hours from creation to the last closing.';
COMMENT ON COLUMN pyrus_report.project_summary.cycle_p85_hours IS '85 percent of them took at most this many hours.';
COMMENT ON COLUMN pyrus_report.project_summary.cycle_p95_hours IS '95 percent of them took at most this many hours.';
