-- Dates may be of any year from 1 to 9999. Those before 1990 count on the first day and those after today on the last,
-- so that the tasks open today are the tasks open now.
CREATE OR REPLACE VIEW pyrus_report.flow_changes AS
SELECT least(greatest((changed_at AT TIME ZONE (SELECT time_zone FROM pyrus_report.clock))::date, '1990-01-01'),
             (SELECT today FROM pyrus_report.clock)) AS day,
       form_id, form, project_id, project,
       count(*) FILTER (WHERE change = 'created') AS created,
       count(*) FILTER (WHERE change = 'closed') AS closed,
       count(*) FILTER (WHERE change = 'reopened') AS reopened
FROM pyrus_report.state_changes JOIN pyrus_report.current_tasks USING (task_id)
GROUP BY 1, form_id, form, project_id, project;

COMMENT ON VIEW pyrus_report.flow_changes IS
    'On which days do tasks come in and go out? One row per day, form and main project with a task created, closed or '
    'reopened. For totals, sum any column; for the number open at the end of each day, see flow_daily.';
COMMENT ON COLUMN pyrus_report.flow_changes.day IS
    'Day in the time zone of the reports. Dates before 1990 count as 1990-01-01, dates after today count as today.';
COMMENT ON COLUMN pyrus_report.flow_changes.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.flow_changes.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.flow_changes.project_id IS
    'Id of the current main project, the first that a task is filed in; null for tasks in no project.';
COMMENT ON COLUMN pyrus_report.flow_changes.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.flow_changes.created IS 'Tasks created on that day.';
COMMENT ON COLUMN pyrus_report.flow_changes.closed IS
    'Closings on that day; a task that was reopened counts each time it was closed.';
COMMENT ON COLUMN pyrus_report.flow_changes.reopened IS 'Closed tasks that were reopened on that day.';
