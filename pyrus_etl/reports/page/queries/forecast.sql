-- How soon the backlog would be done: throughput_forecast for the forms and projects of each scope.
WITH weekly AS (
    SELECT scope, week, this_week, sum(created) AS created, sum(closed - reopened) AS finished
    FROM pyrus_report.flow_changes AS flow
    JOIN unnest(%(scopes)s::int[], %(forms)s::bigint[], %(projects)s::bigint[]) AS member (scope, form_id, project_id)
        ON member.form_id = coalesce(flow.form_id, 0) AND member.project_id = coalesce(flow.project_id, 0)
    CROSS JOIN (SELECT date_trunc('week', today::timestamp)::date AS this_week FROM pyrus_report.clock) AS present
    CROSS JOIN LATERAL (SELECT greatest(date_trunc('week', day::timestamp)::date, this_week - 13 * 7) AS week) AS week
    GROUP BY scope, week, this_week
), counted AS (
    SELECT scope, sum(created - finished) AS backlog, least((this_week - min(week)) / 7, 12) AS weeks,
           coalesce(sum(created) FILTER (WHERE is_in_sample), 0) AS created,
           coalesce(array_agg(finished) FILTER (WHERE is_in_sample), '{}') AS finished
    FROM weekly
    CROSS JOIN LATERAL (SELECT week >= this_week - 12 * 7 AND week < this_week AS is_in_sample) AS place
    GROUP BY scope, this_week
)
SELECT scope, backlog::float8 AS backlog, weeks, round(created / nullif(weeks, 0), 2)::float8 AS created_mean,
       round(pace[1]::numeric, 2)::float8 AS finished_p15,
       round(pace[2]::numeric, 2)::float8 AS finished_p50,
       round(pace[3]::numeric, 2)::float8 AS finished_p85,
       CASE WHEN pace[1] > 0 THEN round(backlog / pace[1]::numeric, 1)::float8 END AS weeks_at_p15,
       CASE WHEN pace[2] > 0 THEN round(backlog / pace[2]::numeric, 1)::float8 END AS weeks_at_p50,
       CASE WHEN pace[3] > 0 THEN round(backlog / pace[3]::numeric, 1)::float8 END AS weeks_at_p85
FROM counted
CROSS JOIN LATERAL (  -- a week without changes has no row: its 0 is added here
    SELECT percentile_cont(ARRAY[0.15, 0.5, 0.85]) WITHIN GROUP (ORDER BY number) AS pace
    FROM unnest(finished || array_fill(0::numeric, ARRAY[weeks - cardinality(finished)])) AS number
) AS sample
