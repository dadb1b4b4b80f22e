CREATE OR REPLACE VIEW pyrus_report.throughput_weekly AS
SELECT date_trunc('week', day::timestamp)::date AS week, form_id, form, project_id, project,
       sum(created)::bigint AS created, sum(closed)::bigint AS closed, sum(reopened)::bigint AS reopened,
       sum(closed - reopened)::bigint AS finished,
       (array_agg(open ORDER BY day DESC))[1] AS open,
       date_trunc('week', day::timestamp) < date_trunc('week', today::timestamp) AS is_complete
FROM pyrus_report.flow_daily CROSS JOIN pyrus_report.clock
GROUP BY week, form_id, form, project_id, project, is_complete;

COMMENT ON VIEW pyrus_report.throughput_weekly IS
    'How much is finished each week? One row a week (Monday to Sunday), form and main project, from its first task to '
    'this week; weeks without a closing have their row too. For a total sum any column over forms and projects of the '
    'same week; over weeks, any but open.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.week IS 'Monday of the week, in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.form_id IS 'The form of the tasks; null: tasks without one.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.form IS 'Name of that form.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.project_id IS
    'The main project of the tasks, as it is now; null: tasks in none.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.project IS 'Path of that project from the root.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.created IS 'Tasks created in that week.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.closed IS
    'Closings in that week; a task that was reopened is counted each time that it was closed.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.reopened IS 'Closed tasks that were opened again in that week.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.finished IS
    'closed without reopened: by so much the week brought the backlog down.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.open IS 'Tasks open at the end of the week; this week: now.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.is_complete IS 'False for this week, which is still going on.';
