-- Each day with changes is repeated until the next one: running sums instead of a join of open intervals with days.
CREATE OR REPLACE VIEW pyrus_report.flow_daily AS
WITH running AS (
    SELECT *, sum(created) OVER line AS created_total, sum(created + reopened - closed) OVER line AS open,
           lead(day) OVER line AS next_day
    FROM pyrus_report.flow_changes WINDOW line AS (PARTITION BY form_id, form, project_id, project ORDER BY day)
)
SELECT day + days AS day, form_id, form, project_id, project,
       CASE days WHEN 0 THEN created ELSE 0 END AS created,
       CASE days WHEN 0 THEN closed ELSE 0 END AS closed,
       CASE days WHEN 0 THEN reopened ELSE 0 END AS reopened,
       open::bigint, created_total::bigint, (created_total - open)::bigint AS done_total
FROM running
CROSS JOIN LATERAL generate_series(
    0, coalesce(next_day - 1, (SELECT today FROM pyrus_report.clock)) - day
) AS days;

COMMENT ON VIEW pyrus_report.flow_daily IS
    'How does work flow: how much comes in, is finished, and is open at the end of each day? One row per day, form and '
    'main project, from its first task to today, without gaps. open, created_total and done_total, stacked by day, '
    'form a cumulative flow diagram. For totals, sum any column over forms and projects of the same day; over days, '
    'sum only created, closed and reopened.';
COMMENT ON COLUMN pyrus_report.flow_daily.day IS
    'Day in the time zone of the reports. Dates before 1990 count as 1990-01-01, dates after today count as today.';
COMMENT ON COLUMN pyrus_report.flow_daily.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.flow_daily.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.flow_daily.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.flow_daily.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.flow_daily.created IS 'Tasks created on that day.';
COMMENT ON COLUMN pyrus_report.flow_daily.closed IS
    'Closings on that day; a task that was reopened counts each time it was closed.';
COMMENT ON COLUMN pyrus_report.flow_daily.reopened IS 'Closed tasks that were reopened on that day.';
COMMENT ON COLUMN pyrus_report.flow_daily.open IS 'Tasks open at the end of that day; for today, open now.';
COMMENT ON COLUMN pyrus_report.flow_daily.created_total IS 'Tasks created up to the end of that day.';
COMMENT ON COLUMN pyrus_report.flow_daily.done_total IS
    'Tasks closed at the end of that day: created_total minus open.';
