-- Events before the weeks of the sample count only for the backlog and for the number of weeks.
CREATE OR REPLACE VIEW pyrus_report.throughput_forecast AS
WITH present AS (
    SELECT date_trunc('week', today::timestamp)::date AS this_week FROM pyrus_report.clock
), weekly AS (
    SELECT CASE WHEN grouping(form_id) = 1 THEN 'all' WHEN grouping(project_id) = 1 THEN 'form' ELSE 'project' END AS scope,
           form_id, form, project_id, project, week, this_week,
           sum(created) AS created, sum(closed - reopened) AS finished
    FROM pyrus_report.flow_changes
    CROSS JOIN present
    CROSS JOIN LATERAL (SELECT greatest(date_trunc('week', day::timestamp)::date, this_week - 13 * 7) AS week) AS week
    GROUP BY week, this_week, GROUPING SETS ((), (form_id, form), (form_id, form, project_id, project))
), counted AS (
    SELECT scope, form_id, form, project_id, project, sum(created - finished) AS backlog,
           least((this_week - min(week)) / 7, 12) AS weeks,
           sum(created) FILTER (WHERE is_in_sample) AS created,
           coalesce(array_agg(finished) FILTER (WHERE is_in_sample), '{}') AS finished
    FROM weekly
    CROSS JOIN LATERAL (SELECT week >= this_week - 12 * 7 AND week < this_week AS is_in_sample) AS place
    GROUP BY scope, form_id, form, project_id, project, this_week
)
SELECT scope, form_id, form, project_id, project, backlog::bigint, weeks::bigint AS weeks,
       round(coalesce(created, 0) / nullif(weeks, 0), 2) AS created_mean,
       round(pace[1]::numeric, 2) AS finished_p15,
       round(pace[2]::numeric, 2) AS finished_p50,
       round(pace[3]::numeric, 2) AS finished_p85,
       CASE WHEN pace[1] > 0 THEN round(backlog / pace[1]::numeric, 1) END AS weeks_at_p15,
       CASE WHEN pace[2] > 0 THEN round(backlog / pace[2]::numeric, 1) END AS weeks_at_p50,
       CASE WHEN pace[3] > 0 THEN round(backlog / pace[3]::numeric, 1) END AS weeks_at_p85
FROM counted
CROSS JOIN LATERAL (  -- a week without events has no row: its 0 is added here
    SELECT percentile_cont(ARRAY[0.15, 0.5, 0.85]) WITHIN GROUP (ORDER BY number) AS pace
    FROM unnest(finished || array_fill(0::numeric, ARRAY[weeks - cardinality(finished)])) AS number
) AS sample;

COMMENT ON VIEW pyrus_report.throughput_forecast IS
    'When will the backlog be cleared? One row for all tasks (scope all), for each form (form), and for each form and '
    'main project (project); percentiles cannot be summed. The sample is the last 12 complete weeks of '
    'throughput_weekly, or fewer if the first task is younger. p15, p50 and p85 are percentiles (percentile_cont) of '
    'the tasks finished per week, and the backlog is divided by them: p15 is a pace that 85 percent of the weeks '
    'exceed, and at that pace the backlog takes weeks_at_p15. The forecast is not random: the same data give the same '
    'answer. New tasks are not counted; if created_mean exceeds finished_p50, the backlog grows.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.scope IS 'all, form or project: what the row is about.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.form_id IS
    'Id of the form; null if scope is all, or for tasks without a form.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.project_id IS
    'Id of the current main project; null unless scope is project, and for tasks in no project.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.project IS 'Path of the main project from the root.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.backlog IS 'Tasks open now.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.weeks IS 'Complete weeks in the sample: 12, or fewer at the start.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.created_mean IS
    'Average number of tasks created per week of the sample.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.finished_p15 IS
    'Tasks finished in a slow week: 85 percent of the weeks exceed it.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.finished_p50 IS 'Tasks finished in the median week.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.finished_p85 IS
    'Tasks finished in a good week: 15 percent of the weeks exceed it.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.weeks_at_p15 IS
    'Weeks to clear the backlog if every week is slow; null if nothing is finished at that pace.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.weeks_at_p50 IS
    'Weeks to clear the backlog at the median pace; null if nothing is finished at that pace.';
COMMENT ON COLUMN pyrus_report.throughput_forecast.weeks_at_p85 IS
    'Weeks to clear the backlog if every week is good; null if nothing is finished at that pace.';
