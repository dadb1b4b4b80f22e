-- Like flow_daily, but summed by week first, so that no rows for days without changes are generated.
CREATE OR REPLACE VIEW pyrus_report.throughput_weekly AS
WITH changed AS (
    SELECT date_trunc('week', day::timestamp)::date AS week, form_id, form, project_id, project,
           sum(created) AS created, sum(closed) AS closed, sum(reopened) AS reopened
    FROM pyrus_report.flow_changes GROUP BY 1, form_id, form, project_id, project
), running AS (
    SELECT *, sum(created + reopened - closed) OVER line AS open, lead(week) OVER line AS next_week
    FROM changed WINDOW line AS (PARTITION BY form_id, form, project_id, project ORDER BY week)
)
SELECT week + days AS week, form_id, form, project_id, project,
       (CASE days WHEN 0 THEN created ELSE 0 END)::bigint AS created,
       (CASE days WHEN 0 THEN closed ELSE 0 END)::bigint AS closed,
       (CASE days WHEN 0 THEN reopened ELSE 0 END)::bigint AS reopened,
       (CASE days WHEN 0 THEN closed - reopened ELSE 0 END)::bigint AS finished,
       open::bigint, week + days < this_week AS is_complete
FROM running
CROSS JOIN (SELECT date_trunc('week', today::timestamp)::date AS this_week FROM pyrus_report.clock) AS present
CROSS JOIN LATERAL generate_series(0, coalesce(next_week - 7, this_week) - week, 7) AS days;

COMMENT ON VIEW pyrus_report.throughput_weekly IS
    'How much is finished each week? One row per week (Monday to Sunday), form and main project, from its first task '
    'to this week, including weeks without a closing. For totals, sum any column over forms and projects of the same '
    'week; over weeks, sum any column except open.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.week IS 'Monday of the week, in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.created IS 'Tasks created in that week.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.closed IS
    'Closings in that week; a task that was reopened counts each time it was closed.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.reopened IS 'Closed tasks that were reopened in that week.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.finished IS
    'closed minus reopened: how much the week reduced the backlog, ignoring new tasks.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.open IS 'Tasks open at the end of the week; for this week, open now.';
COMMENT ON COLUMN pyrus_report.throughput_weekly.is_complete IS 'False for the current week, which is not over yet.';
