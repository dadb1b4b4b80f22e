-- Each day with changes is repeated until the next one: sums over a window in place of a join of open intervals with
-- days.
CREATE OR REPLACE VIEW pyrus_report.flow_daily AS
WITH cumulated AS (
    SELECT *, sum(created) OVER line AS created_total, sum(created + reopened - closed) OVER line AS open,
           lead(day) OVER line AS next_day
    FROM pyrus_report.flow_changes WINDOW line AS (PARTITION BY form_id, form, project_id, project ORDER BY day)
)
SELECT day + days AS day, form_id, form, project_id, project,
       CASE days WHEN 0 THEN created ELSE 0 END AS created,
       CASE days WHEN 0 THEN closed ELSE 0 END AS closed,
       CASE days WHEN 0 THEN reopened ELSE 0 END AS reopened,
       open::bigint, created_total::bigint, (created_total - open)::bigint AS done_total
FROM cumulated
CROSS JOIN LATERAL generate_series(
    0, coalesce(next_day - 1, (SELECT today FROM pyrus_report.clock)) - day
) AS days;

COMMENT ON VIEW pyrus_report.flow_daily IS
    'How does work flow: what comes in, what is finished, how much is open at the end of each day? One row a day, form '
    'and main project, from its first task to today, without gaps. open, created_total and done_total, stacked by day, '
    'are a cumulative flow diagram. For a total sum any column over forms and projects of the same day; over days only '
    'created, closed and reopened can be summed.';
COMMENT ON COLUMN pyrus_report.flow_daily.day IS
    'The day, in the time zone of the reports. What is dated before 1990 counts on 1990-01-01, what is dated later than '
    'today counts today.';
COMMENT ON COLUMN pyrus_report.flow_daily.form_id IS 'The form of the tasks; null: tasks without one.';
COMMENT ON COLUMN pyrus_report.flow_daily.form IS 'Name of that form.';
COMMENT ON COLUMN pyrus_report.flow_daily.project_id IS
    'The main project of the tasks, as it is now; null: tasks in none.';
COMMENT ON COLUMN pyrus_report.flow_daily.project IS 'Path of that project from the root.';
COMMENT ON COLUMN pyrus_report.flow_daily.created IS 'Tasks created on that day.';
COMMENT ON COLUMN pyrus_report.flow_daily.closed IS
    'Closings on that day; a task that was reopened is counted each time that it was closed.';
COMMENT ON COLUMN pyrus_report.flow_daily.reopened IS 'Closed tasks that were opened again on that day.';
COMMENT ON COLUMN pyrus_report.flow_daily.open IS 'Tasks open at the end of that day; today: now.';
COMMENT ON COLUMN pyrus_report.flow_daily.created_total IS 'Tasks created up to the end of that day.';
COMMENT ON COLUMN pyrus_report.flow_daily.done_total IS
    'Tasks closed at the end of that day: created_total without those that are open.';
