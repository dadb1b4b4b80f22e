CREATE OR REPLACE VIEW pyrus_report.workload_heatmap AS
SELECT month, weekday, hour, kind, form_id, form.name AS form, counted.project_id, paths.path AS project, events
FROM (  -- counted by ids; a name is looked up once for what was counted
    -- LEAST and GREATEST: no time zone may move a month out of the years 1 to 9999.
    SELECT least(greatest(date_trunc('month', local)::date, '0001-01-01'), '9999-12-01') AS month,
           date_part('isodow', local)::int AS weekday, date_part('hour', local)::int AS hour,
           kind, form_id, project_id, count(*) AS events
    FROM (
        SELECT 'note' AS kind, note.create_date AS happened_at, form_id, project_id
        FROM pyrus.notes AS note JOIN pyrus_report.current_tasks USING (task_id) WHERE note.create_date IS NOT NULL
      UNION ALL
        SELECT change, changed_at, form_id, project_id
        FROM pyrus_report.state_changes JOIN pyrus_report.current_tasks USING (task_id)
    ) AS event
    CROSS JOIN LATERAL (
        SELECT happened_at AT TIME ZONE (SELECT time_zone FROM pyrus_report.clock) AS local
    ) AS here
    GROUP BY month, weekday, hour, kind, form_id, project_id
) AS counted
LEFT JOIN pyrus.projects AS form ON form.project_id = form_id
LEFT JOIN pyrus_report.project_paths AS paths ON paths.project_id = counted.project_id;

COMMENT ON VIEW pyrus_report.workload_heatmap IS
    'At which hours of the week is work done? One row a month, weekday, hour, kind of event, form and main project in '
    'which something happened. events can be summed over all but the kinds: what creates or closes a task is a note '
    'too.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.month IS 'First day of the month, in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.weekday IS 'Day of the week: 1 is Monday, 7 is Sunday.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.hour IS
    'Hour of the day, 0 to 23, as clocks show it; where they are set back, two hours have the same number.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.kind IS
    'note: a note was written; created, closed, reopened: a task was (see state_changes).';
COMMENT ON COLUMN pyrus_report.workload_heatmap.form_id IS 'The form of the tasks; null: tasks without one.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.form IS 'Name of that form.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.project_id IS
    'The main project of the tasks, as it is now; null: tasks in none.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.project IS 'Path of that project from the root.';
COMMENT ON COLUMN pyrus_report.workload_heatmap.events IS 'How many there were.';
