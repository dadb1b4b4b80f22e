-- As flow_daily, but added up by week first: days without changes are never made.
CREATE OR REPLACE VIEW pyrus_report.throughput_weekly AS
WITH changed AS (
    SELECT date_trunc('week', day::timestamp)::date AS week, form_id, form, project_id, project,
           sum(created) AS created, sum(closed) AS closed, sum(reopened) AS reopened
    FROM pyrus_report.flow_changes GROUP BY 1, form_id, form, project_id, project
), cumulated AS (
    SELECT *, sum(created + reopened - closed) OVER line AS open, lead(week) OVER line AS next_week
    FROM changed WINDOW line AS (PARTITION BY form_id, form, project_id, project ORDER BY week)
)
SELECT week + days AS week, form_id, form, project_id, project,
       (CASE days WHEN 0 THEN created ELSE 0 END)::bigint AS created,
       (CASE days WHEN 0 THEN closed ELSE 0 END)::bigint AS closed,
       (CASE days WHEN 0 THEN reopened ELSE 0 END)::bigint AS reopened,
       (CASE days WHEN 0 THEN closed - reopened ELSE 0 END)::bigint AS finished,
       open::bigint, week + days < this_week AS is_complete
FROM cumulated
CROSS JOIN (SELECT date_trunc('week', today::timestamp)::date AS this_week FROM pyrus_report.clock) AS present
CROSS JOIN LATERAL generate_series(0, coalesce(next_week - 7, this_week) - week, 7) AS days;

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
