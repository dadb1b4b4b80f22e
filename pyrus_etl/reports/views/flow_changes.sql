-- A date may be of any year from 1 to 9999; what lies before 1990 or after today counts on the first or the last day, so
-- that what is open today is what is open now.
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
    'On which days do tasks come in and go out? One row a day on which a task was created, closed or reopened, form and '
    'main project. For a total sum any column; for what is open at the end of every day see flow_daily.';
COMMENT ON COLUMN pyrus_report.flow_changes.day IS 'Day in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.flow_changes.form_id IS 'The form of the tasks; null: tasks without one.';
COMMENT ON COLUMN pyrus_report.flow_changes.form IS 'Name of that form.';
COMMENT ON COLUMN pyrus_report.flow_changes.project_id IS
    'The main project of the tasks, as it is now; null: tasks in none.';
COMMENT ON COLUMN pyrus_report.flow_changes.project IS 'Path of that project from the root.';
COMMENT ON COLUMN pyrus_report.flow_changes.created IS 'Tasks created on that day.';
COMMENT ON COLUMN pyrus_report.flow_changes.closed IS
    'Closings on that day; a task that was reopened is counted each time that it was closed.';
COMMENT ON COLUMN pyrus_report.flow_changes.reopened IS 'Closed tasks that were opened again on that day.';
