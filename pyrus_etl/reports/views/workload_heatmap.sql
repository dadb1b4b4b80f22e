CREATE OR REPLACE VIEW pyrus_report.workload_heatmap AS
SELECT month, weekday, hour, counted.kind, form_id, form.name AS form, counted.project_id, paths.path AS project, events
FROM (  -- counts by ids; names are looked up once per counted row
    -- LEAST and GREATEST, so that no time zone moves a month out of the years 1 to 9999.
    SELECT least(greatest(date_trunc('month', local)::date, '0001-01-01'), '9999-12-01') AS month,
           date_part('isodow', local)::int AS weekday, date_part('hour', local)::int AS hour,
           kind, form_id, project_id, count(*) AS events
    FROM (
        SELECT 'note' AS kind, note.create_date AS happened_at, form_id, project_id
        FROM pyrus.notes AS note JOIN pyrus_report.current_tasks USING (task_id) WHERE note.create_date IS NOT NULL
      UNION ALL
        SELECT change, changed_at, form_id, project_id
        FROM pyrus_report.state_changes JOIN pyrus_report.current_tasks USING (task_id) WHERE NOT is_estimated
    ) AS event
    CROSS JOIN LATERAL (
        SELECT happened_at AT TIME ZONE (SELECT time_zone FROM pyrus_report.clock) AS local
    ) AS here
    GROUP BY month, weekday, hour, kind, form_id, project_id
) AS counted
LEFT JOIN pyrus.projects AS form ON form.project_id = form_id
LEFT JOIN pyrus_report.project_paths AS paths ON paths.project_id = counted.project_id;

COMMENT ON VIEW pyrus_report.workload_heatmap IS
    'At which hours of the week is work done? One row per month, weekday, hour, kind of event, form and main project '
    'with at least one event. events can be summed over everything except kinds, because the note that creates or '
    'closes a task counts too.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.month IS 'First day of the month, in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.weekday IS 'Day of the week: 1 is Monday, 7 is Sunday.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.hour IS
    'Hour of the day by the clock, 0 to 23; when clocks are set back, two hours have the same number.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.kind IS
    'note: a note was written; created, closed, reopened: the task changed (see state_changes).';
COMMENT ON COLUMN pyrus_report.workload_heatmap.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.events IS 'Number of events.';
