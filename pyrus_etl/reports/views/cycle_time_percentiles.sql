CREATE OR REPLACE VIEW pyrus_report.cycle_time_percentiles AS
WITH monthly AS (
    SELECT form_id, form,
           -- so that no time zone moves a month out of the years 1 to 9999
           date_trunc('month', least(greatest(close_date, '0001-01-03 00:00+00'), '9999-12-29 00:00+00')
                                   AT TIME ZONE (SELECT time_zone FROM pyrus_report.clock))::date AS month,
           count(*) AS closed,
           percentile_cont(ARRAY[0.5, 0.85, 0.95]) WITHIN GROUP (ORDER BY cycle_hours) AS cycle,
           percentile_cont(ARRAY[0.5, 0.85, 0.95]) WITHIN GROUP (ORDER BY first_action_hours) AS first_action,
           sum(cycle_hours) AS cycle_hours, sum(open_hours) AS open_hours, sum(waiting_hours) AS waiting_hours
    FROM pyrus_report.cycle_times
    WHERE close_date IS NOT NULL
    GROUP BY 1, 2, 3
)
SELECT month, form_id, form, closed,
       round(cycle[1]::numeric, 2) AS cycle_p50_hours,
       round(cycle[2]::numeric, 2) AS cycle_p85_hours,
       round(cycle[3]::numeric, 2) AS cycle_p95_hours,
       round(first_action[1]::numeric, 2) AS first_action_p50_hours,
       round(first_action[2]::numeric, 2) AS first_action_p85_hours,
       round(first_action[3]::numeric, 2) AS first_action_p95_hours,
       cycle_hours, open_hours, waiting_hours, round(waiting_hours / nullif(open_hours, 0), 4) AS waiting_share
FROM monthly;

COMMENT ON VIEW pyrus_report.cycle_time_percentiles IS
    'How long do tasks of a form take, month by month: the median, the 85th and the 95th percentile? One row per form '
    'and month in which tasks of the form were closed. closed and the sums of hours can be summed over rows. '
    'Percentiles cannot: for another grouping, use percentile_cont over cycle_times.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.month IS
    'First day of the month in which the tasks were last closed, in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.form_id IS 'Id of the form; null for tasks without a form.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.form IS 'Name of the form.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.closed IS 'Tasks closed in that month that are still closed.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.cycle_p50_hours IS
    'Half of them took at most this many hours from creation to the last closing.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.cycle_p85_hours IS
    '85 percent of them took at most this many hours.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.cycle_p95_hours IS
    '95 percent of them took at most this many hours.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.first_action_p50_hours IS
    'Of the tasks with a first action, half waited at most this many hours for it.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.first_action_p85_hours IS
    '85 percent of those waited at most this many hours for it.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.first_action_p95_hours IS
    '95 percent of those waited at most this many hours for it.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.cycle_hours IS 'Sum of cycle_hours in cycle_times.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.open_hours IS 'Sum of open_hours in cycle_times.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.waiting_hours IS 'Sum of waiting_hours in cycle_times.';
COMMENT ON COLUMN pyrus_report.cycle_time_percentiles.waiting_share IS
    'waiting_hours as a share of open_hours, from 0 to 1.';
